package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const directSync = unix.O_DIRECT | unix.O_DSYNC

// dataSync puts a file's bytes on the disk.
func dataSync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// flushDisks waits until all that was written is on the disk.
func flushDisks() { unix.Sync() }

// writtenBytes is how many bytes this process has caused to be sent to storage,
// less those of files that were removed before they got there.
func writtenBytes() (int64, bool) {
	sent, ok := procNumber("/proc/self/io", "write_bytes:")
	cancelled, _ := procNumber("/proc/self/io", "cancelled_write_bytes:")
	return sent - cancelled, ok
}

// peakMemory is the most that was resident at any time, files mapped into memory
// included, in MB of a million bytes.
func peakMemory() (float64, bool) {
	kib, ok := procNumber("/proc/self/status", "VmHWM:")
	return float64(kib) * 1024 / 1e6, ok
}

// memoryNow is what is resident now, in the same MB.
func memoryNow() (float64, bool) {
	kib, ok := procNumber("/proc/self/status", "VmRSS:")
	return float64(kib) * 1024 / 1e6, ok
}

// anonymousMemory is the part of it that no file backs, in the same MB.
func anonymousMemory() (float64, bool) {
	kib, ok := procNumber("/proc/self/status", "RssAnon:")
	return float64(kib) * 1024 / 1e6, ok
}

func procNumber(file, name string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// allocated is the space that the files under a directory take on the disk.
func allocated(dir string) (int64, error) {
	var total int64
	err := eachFile(dir, func(path string, info fs.FileInfo) error {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			total += stat.Blocks * 512
		}
		return nil
	})
	return total, err
}

// forget drops the files under a directory from the page cache, so that the
// next to read them waits for the disk.
func forget(dir string) error {
	flushDisks() // pages that are not on the disk yet can not be dropped
	return eachFile(dir, func(path string, _ fs.FileInfo) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}

func eachFile(dir string, visit func(string, fs.FileInfo) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return visit(path, info)
	})
}

// machine names what the figures were measured on.
func machine(dir string) string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	cpu := "unknown processor"
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			cpu = strings.TrimLeft(strings.TrimSpace(name), ": ")
			break
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	kib, _ := procNumber("/proc/meminfo", "MemTotal:")
	return fmt.Sprintf("%s, %d GiB, %s, Linux %s", cpu, (kib+1<<19)>>20, fileSystem(dir), strings.TrimSpace(string(release)))
}

func fileSystem(dir string) string {
	names := map[int64]string{
		unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
		unix.TMPFS_MAGIC: "tmpfs (nothing is ever on a disk)", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return "unknown file system"
	}
	if name, ok := names[int64(stat.Type)]; ok {
		return name
	}
	return fmt.Sprintf("file system %x", stat.Type)
}
