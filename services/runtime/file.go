package runtime

import (
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fileList are the files of runtime.path in lexical order.
type fileList []File

// list finds them; the folder is made when it is missing. Packages of npm are not modules: whoever bundles them finds them.
func list(root string) (files fileList, err error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("runtime.path: %w", err)
	}
	err = walk(root, func(name string, _ fs.DirEntry) { files = append(files, File{Root: root, Name: name}) })
	if err != nil {
		return nil, fmt.Errorf("runtime.path: %w", err)
	}
	return files, nil
}

// of are the files of a language.
func (l fileList) of(language Language) (files []File) {
	extensions := language.Extensions()
	for _, f := range l {
		if slices.Contains(extensions, strings.ToLower(filepath.Ext(f.Name))) {
			files = append(files, f)
		}
	}
	return files
}

// walk calls found for each file, by its name within root.
func walk(root string, found func(name string, d fs.DirEntry)) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "node_modules":
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found(filepath.ToSlash(name), d)
		return nil
	})
}

// stamp tells whether a folder's files have changed: a digest of their names, sizes and times.
type stamp uint64

var stampSeed = maphash.MakeSeed()

// stampOf is 0 for a folder that cannot be read.
func stampOf(root string) stamp {
	var h maphash.Hash
	h.SetSeed(stampSeed)
	err := walk(root, func(name string, d fs.DirEntry) {
		info, err := d.Info()
		if err != nil {
			return // gone since
		}
		fmt.Fprintln(&h, name, info.Size(), info.ModTime().UnixNano())
	})
	if err != nil {
		return 0
	}
	return stamp(h.Sum64())
}
