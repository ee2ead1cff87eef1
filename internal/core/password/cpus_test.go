package password

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/fstest"
)

const (
	v2Mount = "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n"
	v1Mount = "31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
		"32 20 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)

// machine makes the files of a system: the two of /proc, and others.
func machine(cgroup, mounts string, files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{
		"proc/self/cgroup":    {Data: []byte(cgroup)},
		"proc/self/mountinfo": {Data: []byte("25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw\n" + mounts)},
	}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestQuota_IsFoundWhereverItIsSet(t *testing.T) {
	none := math.Inf(1)
	for name, c := range map[string]struct {
		fsys fstest.MapFS
		want float64
	}{
		"no files at all": {fstest.MapFS{}, none},
		"a container with version 2": {machine("0::/\n", v2Mount, map[string]string{
			"sys/fs/cgroup/cpu.max": "200000 100000\n",
		}), 2},
		"version 2 without a quota": {machine("0::/\n", v2Mount, map[string]string{
			"sys/fs/cgroup/cpu.max": "max 100000\n",
		}), none},
		"a service of systemd": {machine("0::/system.slice/durward.service\n", v2Mount, map[string]string{
			"sys/fs/cgroup/system.slice/durward.service/cpu.max": "150000 100000\n",
		}), 1.5},
		"the tighter limit is above": {machine("0::/a/b\n", v2Mount, map[string]string{
			"sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
			"sys/fs/cgroup/a/cpu.max":   "25000 50000\n",
		}), 0.5},
		"a container that sees its group as the root": {
			machine("0::/../../kubepods/pod1\n",
				"30 20 0:26 /kubepods/pod1/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
				map[string]string{"sys/fs/cgroup/cpu.max": "300000 100000\n"}), 3,
		},
		"a mounted part of the tree": {
			machine("0::/kubepods/pod1/c1\n",
				"30 20 0:26 /kubepods/pod1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
				map[string]string{"sys/fs/cgroup/c1/cpu.max": "300000 100000\n"}), 3,
		},
		"a group whose name begins alike": {
			machine("0::/pod10/c1\n", "30 20 0:26 /pod1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
				map[string]string{"sys/fs/cgroup/cpu.max": "100000 100000\n"}), 1,
		},
		"a mount point with a space": {
			machine("0::/\n", `30 20 0:26 / /my\040groups rw - cgroup2 cgroup rw`+"\n",
				map[string]string{"my groups/cpu.max": "100000 100000\n"}), 1,
		},
		"version 1": {machine("4:cpu,cpuacct:/docker/x\n3:cpuset:/\n", v1Mount, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us":  "250000\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
		}), 2.5},
		"version 1 without a quota": {machine("4:cpu,cpuacct:/\n", v1Mount, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":  "-1\n",
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		}), none},
		"both versions": {machine("4:cpu,cpuacct:/\n0::/\n", v1Mount+v2Mount, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":  "400000\n",
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		}), 4},
		"nonsense": {machine("what\n0:/\n0::/\n", "x\n- - -\n"+v2Mount, map[string]string{
			"sys/fs/cgroup/cpu.max": "-5 0\n",
		}), none},
		"a quota of nothing": {machine("0::/\n", v2Mount, map[string]string{
			"sys/fs/cgroup/cpu.max": "0 100000\n",
		}), none},
		"a path that leaves the tree": {machine("0::/../../etc\n", v2Mount, map[string]string{
			"sys/fs/cgroup/cpu.max": "200000 100000\n",
		}), 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quota(c.fsys); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestWorkersFor_StaysBelowTheQuota(t *testing.T) {
	none := math.Inf(1)
	for _, c := range []struct {
		processors int
		quota      float64
		want       int
	}{
		{1, none, 1}, {2, none, 2}, {64, none, 64},
		{8, 0.1, 1}, {8, 0.5, 1}, {8, 1, 1}, {8, 1.5, 1}, {8, 2, 1}, {8, 2.5, 2}, {8, 3, 2}, {8, 8, 7},
		{8, 8.5, 8}, {8, 9, 8}, {8, 64, 8}, {2, 2, 1}, {2, 4, 2}, {1, 1, 1}, {1, 0.5, 1},
	} {
		t.Run(fmt.Sprintf("%d processors, quota %v", c.processors, c.quota), func(t *testing.T) {
			if got := workersFor(c.processors, c.quota); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestDefaultWorkers_IsBetweenOneAndTheProcessors(t *testing.T) {
	if got := DefaultWorkers(); got < 1 || got > runtime.NumCPU() {
		t.Errorf("got %d", got)
	}
}
