//go:build unix

package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// handOver gives a file that root made to whom the one at path belongs or, where there is
// none, to whom its folder belongs: a program that runs as another user must open it.
func handOver(made, path string, chown func(name string, uid, gid int) error) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return chown(made, int(owner.Uid), int(owner.Gid))
}
