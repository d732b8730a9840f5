package differential_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
)

var update = flag.Bool("update", false, "write the list of the differences; run all scenarios")

// parties are those who see something.
var parties = []string{caller, senders, routees, watchers, deadLetters}

func TestPoolsDoWhatRoutersDo(t *testing.T) {
	listed := readList(t)
	var found list
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			for _, s := range sc.subjects() {
				t.Run(s.name, func(t *testing.T) {
					router, pool := s.play(t, &sc, s.router), s.play(t, &sc, s.pool)
					for _, who := range parties {
						t.Logf("%s:\n  router %q\n  pool   %q", who, router[who], pool[who])
						d := differ(router[who], pool[who])
						if *update {
							found = found.add(d, sc.name, who, s.name, listed)
							continue
						}
						expected := listed.find(sc.name, who, s.name)
						assert.Equal(t, expected.String(), d.String(), "%s: what only one of them sees (-: router, +: pool)", who)
					}
				})
			}
		})
	}
	if *update {
		found.write(t)
	}
}

func TestEveryListedDifferenceIsOfAScenario(t *testing.T) {
	for _, d := range readList(t) {
		for _, subject := range d.subjects {
			assert.True(t, hasScenario(d.scenario, subject), "%s, %s", d.scenario, subject)
		}
		assert.Contains(t, parties, d.who)
	}
}

func hasScenario(name, subject string) bool {
	for _, sc := range scenarios() {
		if sc.name != name {
			continue
		}
		for _, s := range sc.subjects() {
			if s.name == subject {
				return true
			}
		}
	}
	return false
}
