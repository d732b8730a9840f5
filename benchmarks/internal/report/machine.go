package report

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// A Machine says where and with what the figures were taken.
type Machine struct {
	CPU      string
	Procs    int
	OS       string
	Go       string
	Date     time.Time
	Versions []Version
}

// A Version is that of a module.
type Version struct{ Module, Version string }

// ThisMachine looks at the machine and at the versions of the modules that the
// program was built with.
func ThisMachine(modules ...string) Machine {
	m := Machine{
		CPU:   cmp.Or(cpuid.CPU.BrandName, runtime.GOARCH),
		Procs: runtime.GOMAXPROCS(0),
		OS:    runtime.GOOS + "/" + runtime.GOARCH,
		Go:    runtime.Version(),
		Date:  time.Now(),
	}
	info, ok := debug.ReadBuildInfo()
	for _, module := range modules {
		version := Version{Module: module, Version: "unknown"}
		if ok {
			version.Version = versionIn(info, module)
		}
		m.Versions = append(m.Versions, version)
	}
	return m
}

func versionIn(info *debug.BuildInfo, module string) string {
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "unknown"
}

func (m Machine) markdown(b *strings.Builder) {
	table := Table{Header: []string{"", ""}, Text: 2}
	table.Row("date", m.Date.UTC().Format(time.DateOnly))
	table.Row("processor", fmt.Sprintf("%s, %d in use", m.CPU, m.Procs))
	table.Row("system", m.OS)
	table.Row("Go", m.Go)
	for _, v := range m.Versions {
		table.Row(v.Module, v.Version)
	}
	table.markdown(b)
}
