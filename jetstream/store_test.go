package jetstream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

func TestBadOptionsAreErrorsThatNameThem(t *testing.T) {
	directory := jetstream.WithDirectory(t.TempDir())
	for want, opts := range map[string][]jetstream.Option{
		"neither WithDirectory nor WithURL":       {},
		"option is nil":                           {nil},
		"both WithDirectory and WithURL":          {directory, jetstream.WithURL("nats://127.0.0.1:1")},
		"directory is empty":                      {jetstream.WithDirectory("")},
		"URL is empty":                            {jetstream.WithURL("")},
		"no URL":                                  {jetstream.WithURL()},
		"0 replicas are not from 1 to 5":          {directory, jetstream.Replicas(0)},
		"3 replicas in one directory":             {directory, jetstream.Replicas(3)},
		"durability 7":                            {directory, jetstream.WithDurability(7)},
		"durability Power is the servers' to say": {jetstream.WithURL("nats://127.0.0.1:1"), jetstream.WithDurability(jetstream.Power)},
		"WithListen and WithServer are for":       {jetstream.WithURL("nats://127.0.0.1:1"), jetstream.WithListen(":0")},
		`listen address "nowhere"`:                {directory, jetstream.WithListen("nowhere")},
		`port "http"`:                             {directory, jetstream.WithListen(":http")},
		"patience 0s":                             {directory, jetstream.WithPatience(0)},
		"node name is empty":                      {directory, jetstream.WithNode("")},
		"logger is nil":                           {directory, jetstream.WithLogger(nil)},
		"propagator is nil":                       {directory, jetstream.WithPropagator(nil)},
		"client option is nil":                    {directory, jetstream.WithClient(nil)},
		"server option is nil":                    {directory, jetstream.WithServer(nil)},
		"is for WithDirectory to say":             {directory, jetstream.WithServer(func(o *server.Options) { o.StoreDir = "elsewhere" })},
	} {
		_, err := jetstream.Open(t.Context(), opts...)
		require.ErrorIs(t, err, messages.ErrInvalidOption, want)
		assert.ErrorContains(t, err, want)
	}
}

func TestADirectoryIsOneStoresAtATime(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "made", "if need be")
	store := open(t, directory)
	_, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory))
	require.ErrorIs(t, err, jetstream.ErrStoreInUse)
	assert.ErrorContains(t, err, directory)
	require.NoError(t, store.Close(t.Context()))
	open(t, directory)
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	_, err = jetstream.Open(t.Context(), jetstream.WithURL("nats://"+listener.Addr().String()), jetstream.WithLogger(quiet()))
	require.ErrorIs(t, err, jetstream.ErrUnavailable)
	require.ErrorIs(t, err, nats.ErrNoServers)
}

func TestAServerWithoutJetStreamIsSaidToHaveNone(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(s.Shutdown)
	require.True(t, s.ReadyForConnections(patience))
	_, err = jetstream.Open(t.Context(), jetstream.WithURL(s.ClientURL()), jetstream.WithLogger(quiet()), jetstream.WithPatience(time.Second))
	assert.ErrorContains(t, err, "JetStream")
}

// certificate makes a certificate for the loopback interface, and those who trust it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	trust := x509.NewCertPool()
	trust.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, trust
}

func TestAServerWithTLSAndCredentialsTakesOnlyThoseWhoHaveThem(t *testing.T) {
	cert, trust := certificate(t)
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"), jetstream.WithServer(func(o *server.Options) {
		o.Users = []*server.User{{Username: "troupe", Password: "secret"}}
		o.TLS, o.TLSConfig = true, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}), jetstream.WithClient(nats.UserInfo("troupe", "secret"), nats.Secure(&tls.Config{RootCAs: trust, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})))
	submit(t, queue(t, store), 1)

	connect := func(opts ...nats.Option) (*jetstream.Store, error) {
		return jetstream.Open(t.Context(), jetstream.WithURL(store.URL()), jetstream.WithLogger(quiet()), jetstream.WithClient(opts...))
	}
	secure := nats.Secure(&tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12})
	_, err := connect(secure, nats.UserInfo("troupe", "wrong"))
	require.ErrorIs(t, err, nats.ErrAuthorization)
	_, err = connect(secure)
	require.ErrorIs(t, err, nats.ErrAuthorization)
	_, err = connect(nats.UserInfo("troupe", "secret"))
	require.ErrorAs(t, err, new(*tls.CertificateVerificationError))

	other, err := connect(secure, nats.UserInfo("troupe", "secret"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, other.Close(t.Context())) }()
	assert.Equal(t, int64(1), inspect(t, queue(t, other)).Ready)
}

// listening are the ports at which this process listens, by their addresses.
func listening(t *testing.T) []string {
	t.Helper()
	own := make(map[string]bool)
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, path := range descriptors {
		if target, err := os.Readlink(path); err == nil {
			own[target] = true
		}
	}
	var addresses []string
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		for _, fields := range readTable(t, table) {
			const local, state, inode, listen = 1, 3, 9, "0A"
			if fields[state] == listen && own["socket:["+fields[inode]+"]"] {
				addresses = append(addresses, fields[local])
			}
		}
	}
	return addresses
}

func TestAnEmbeddedServerListensNowhereUnlessToldAndThenOnLoopback(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		t.Skip("there is no /proc/self/net here")
	}
	before := listening(t)
	store := open(t, t.TempDir())
	assert.Equal(t, before, listening(t))
	assert.Empty(t, store.URL())

	store = open(t, t.TempDir(), jetstream.WithListen(":0"))
	u, err := url.Parse(store.URL())
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", u.Hostname())
	now := listening(t)
	require.Len(t, now, len(before)+1)
	const loopback = "0100007F:"
	assert.Contains(t, now[len(now)-1]+now[0], loopback)
}

func TestAFullStoreSaysSoAndKeepsWhatItHas(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithServer(func(o *server.Options) { o.JetStreamMaxStore = 1 << 20 }))
	q, err := jetstream.NewQueue[[]byte](t.Context(), store, "bytes")
	require.NoError(t, err)
	stored := int64(0)
	for range 20 {
		if _, err = q.Submit(t.Context(), make([]byte, 100<<10)); err != nil {
			break
		}
		stored++
	}
	require.ErrorIs(t, err, jetstream.ErrStoreFull)
	assert.Positive(t, stored)
	assert.Equal(t, stored, inspect(t, q).Ready)
	attach(t, q, pool(t, func(_ context.Context, in []byte) (int, error) { return len(in), nil }))
	eventually(t, q, empty)
	_, err = q.Submit(t.Context(), make([]byte, 100<<10))
	assert.NoError(t, err, "there is room again")
}

// Each file of the store in turn is damaged: the server would go on without what it
// cannot read.
func TestACorruptStoreIsAnErrorAndIsLeftAsItWas(t *testing.T) {
	made := filepath.Join(t.TempDir(), "store")
	store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(made), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	submit(t, queue(t, store), numbers(20)...)
	require.NoError(t, store.Close(t.Context()))

	var files []string
	require.NoError(t, filepath.WalkDir(filepath.Join(made, "jetstream"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Size() > 0 {
			files = append(files, path)
		}
		return err
	}))
	require.NotEmpty(t, files)
	for _, file := range files {
		name, err := filepath.Rel(made, file)
		require.NoError(t, err)
		for how, damage := range map[string]func([]byte) []byte{
			"flipped": func(data []byte) []byte {
				for i := len(data) / 3; i < len(data) && i < len(data)/3+64; i++ {
					data[i] ^= 0xff
				}
				return data
			},
			"halved": func(data []byte) []byte { return data[:len(data)/2] },
			"empty":  func([]byte) []byte { return []byte{} },
		} {
			t.Run(how+" "+name, func(t *testing.T) {
				directory := t.TempDir()
				require.NoError(t, os.CopyFS(directory, os.DirFS(made)))
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				damaged := damage(data)
				require.NoError(t, os.WriteFile(filepath.Join(directory, name), damaged, 0o600))
				store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()))
				require.ErrorIs(t, err, jetstream.ErrStoreCorrupt)
				assert.ErrorContains(t, err, name)
				assert.Nil(t, store)
				left, err := os.ReadFile(filepath.Join(directory, name))
				require.NoError(t, err)
				assert.Equal(t, damaged, left, "it is as it was")
			})
		}
	}
}

// After a process was killed there is no manifest, and what the server says is all
// that is known.
func TestAStreamThatCannotBeReadIsAnErrorAlsoAfterAKill(t *testing.T) {
	directory := t.TempDir()
	store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	submit(t, queue(t, store), 1)
	require.NoError(t, store.Close(t.Context()))
	require.NoError(t, os.Remove(filepath.Join(directory, "manifest.json")))
	meta := filepath.Join(directory, "jetstream", "$G", "streams", "troupe_tasks_numbers", "meta.inf")
	require.NoError(t, os.WriteFile(meta, []byte("{"), 0o600))

	for range 2 {
		_, err = jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()))
		require.ErrorIs(t, err, jetstream.ErrStoreCorrupt)
		assert.ErrorContains(t, err, "troupe_tasks_numbers")
	}

	store = open(t, directory, jetstream.WithDamage())
	assert.NotNil(t, store)
}
