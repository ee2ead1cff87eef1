package password

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// DefaultWorkers is how many hashes may be computed at once: as many as there are usable processors, or, where a
// control group (a container) limits the processor time, less than the limit, so that the rest of the server is not
// throttled along with the hashing: a quota of 2 processors gives 1 worker. It is at least 1.
func DefaultWorkers() int {
	return workersFor(runtime.NumCPU(), quota(os.DirFS("/")))
}

// workersFor takes the quota in processors, +Inf when there is none.
func workersFor(processors int, quota float64) int {
	if below := math.Ceil(quota) - 1; below < float64(processors) {
		processors = int(below)
	}
	return max(1, processors)
}

// quota is the tightest limit of the process's control groups and those above it, in processors; +Inf is none. What
// cannot be read counts as no limit.
func quota(root fs.FS) float64 {
	least := math.Inf(1)
	for _, g := range groups(root) {
		for dir := g.dir; ; dir = path.Dir(dir) {
			least = math.Min(least, g.limit(root, dir))
			if dir == g.mount || dir == "." {
				break
			}
		}
	}
	return least
}

// group is the process's place in a hierarchy of control groups, as paths without the leading slash.
type group struct {
	mount, dir string
	limit      func(root fs.FS, dir string) float64
}

// groups finds the hierarchies that can limit processor time: version 2, and version 1's "cpu" (cgroups(7)).
func groups(root fs.FS) (found []group) {
	own := memberships(read(root, "proc/self/cgroup"))
	for line := range strings.Lines(read(root, "proc/self/mountinfo")) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		g := group{mount: m.point}
		var at string
		switch {
		case m.kind == "cgroup2":
			at, ok = own[""]
			g.limit = limitV2
		case m.kind == "cgroup" && hasItem(m.options, "cpu"):
			at, ok = own["cpu"]
			g.limit = limitV1
		default:
			continue
		}
		if ok {
			g.dir = path.Join(m.point, below(at, m.root))
			found = append(found, g)
		}
	}
	return found
}

// memberships reads /proc/self/cgroup ("4:cpu,cpuacct:/path" a line) into controller to path; version 2 is "".
func memberships(text string) map[string]string {
	own := map[string]string{}
	for line := range strings.Lines(text) {
		part := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(part) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(part[1], ",") {
			own[controller] = part[2]
		}
	}
	return own
}

// mount is a line of /proc/self/mountinfo: what is mounted where.
type mount struct{ root, point, kind, options string }

// parseMount reads "36 35 98:0 /root /point rw,noatime master:1 - cgroup2 source rw,cpu" (proc_pid_mountinfo(5)).
func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 5 || len(right) < 3 {
		return mount{}, false
	}
	point := strings.TrimPrefix(path.Clean(unescape(left[4])), "/")
	return mount{root: unescape(left[3]), point: point, kind: right[0], options: right[2]}, fs.ValidPath(point)
}

// unescape undoes the four characters that mountinfo writes in octal.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// below gives the part of a group's path under the directory that is mounted. A group that lies outside of it (a
// container that sees its own group as the root) is the mounted directory itself.
func below(at, root string) string {
	rest, ok := strings.CutPrefix(path.Clean(at), strings.TrimSuffix(path.Clean(root), "/"))
	if !ok || (rest != "" && rest[0] != '/') || strings.Contains(rest, "..") {
		return ""
	}
	return rest
}

func hasItem(list, item string) bool {
	for s := range strings.SplitSeq(list, ",") {
		if s == item {
			return true
		}
	}
	return false
}

// limitV2 reads cpu.max: "200000 100000" or "max 100000".
func limitV2(root fs.FS, dir string) float64 {
	f := strings.Fields(read(root, path.Join(dir, "cpu.max")))
	if len(f) != 2 {
		return math.Inf(1)
	}
	return ratio(f[0], f[1])
}

// limitV1 reads cpu.cfs_quota_us, -1 for none, and cpu.cfs_period_us.
func limitV1(root fs.FS, dir string) float64 {
	return ratio(strings.TrimSpace(read(root, path.Join(dir, "cpu.cfs_quota_us"))),
		strings.TrimSpace(read(root, path.Join(dir, "cpu.cfs_period_us"))))
}

func ratio(quota, period string) float64 {
	q, err := strconv.ParseUint(quota, 10, 63)
	p, err2 := strconv.ParseUint(period, 10, 63)
	if err != nil || err2 != nil || q == 0 || p == 0 {
		return math.Inf(1)
	}
	return float64(q) / float64(p)
}

func read(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(b)
}
