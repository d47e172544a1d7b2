package bunt

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
)

const (
	logName   = "store.log"
	logMagic  = "SKIRMISH store 1\n"
	frameHead = 4 + 4 + 8
	frameMax  = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// file is what the log needs of an *os.File; tests put a disk that fails in its place.
type file interface {
	io.Writer
	io.Closer
	Sync() error
}

// logFile appends frames. Owned by the lane's goroutine, but for size.
type logFile struct {
	f      file
	buf    []byte
	failed error        // the first write or sync error; no write succeeds after it
	size   atomic.Int64 // of what is on disk for good; a checkpoint reads it
}

// openLog replays dir's log into apply, cuts what follows the last whole frame, and returns it ready to append.
func openLog(dir string, apply func(sequence uint64, changes []byte) error) (*logFile, error) {
	path := filepath.Join(dir, logName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the store's log: %w", err)
	}
	end, err := replay(f, apply)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err == nil && end == 0 {
		if _, err = f.WriteString(logMagic); err == nil {
			end, err = int64(len(logMagic)), f.Sync()
		}
		if err == nil {
			err = syncDir(dir)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recover %s: %w", path, err), f.Close())
	}
	l := &logFile{f: f}
	l.size.Store(end)
	return l, nil
}

// replay applies every whole frame and returns the offset after the last one. A frame that is cut or fails its sum ends
// the log: it was never acknowledged, because frames are synced one by one. So none can follow it; where one does, the disk
// has lost what was acknowledged, and cutting would lose the rest.
func replay(f io.Reader, apply func(uint64, []byte) error) (int64, error) {
	r := bufio.NewReaderSize(f, 1<<20)
	magic := make([]byte, len(logMagic))
	if n, err := io.ReadFull(r, magic); err != nil {
		if n == 0 || string(magic[:n]) == logMagic[:n] {
			return 0, nil // new, or cut while it was made
		}
		return 0, errors.New("this is not a store log")
	}
	if string(magic) != logMagic {
		return 0, errors.New("this is not a store log, or one of another version")
	}
	end, sequence := int64(len(logMagic)), uint64(0)
	head := make([]byte, frameHead)
	for {
		n, err := io.ReadFull(r, head)
		if err != nil {
			return end, torn(r, head[:n], nil, sequence, end, err)
		}
		length := binary.LittleEndian.Uint32(head)
		if length > frameMax {
			return end, torn(r, head, nil, sequence, end, nil)
		}
		changes := make([]byte, length)
		if n, err := io.ReadFull(r, changes); err != nil {
			return end, torn(r, head, changes[:n], sequence, end, err)
		}
		if sum(head[8:], changes) != binary.LittleEndian.Uint32(head[4:]) {
			return end, torn(r, head, changes, sequence, end, nil)
		}
		sequence = binary.LittleEndian.Uint64(head[8:])
		if err := apply(sequence, changes); err != nil {
			return 0, err
		}
		end += int64(frameHead) + int64(length)
	}
}

// torn looks through what follows the last whole frame. It is nil for the ends that a crash leaves.
func torn(r io.Reader, head, changes []byte, sequence uint64, end int64, err error) error {
	if err = cutOff(err); err != nil {
		return err
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	tail := slices.Concat(head, changes, rest)
	for at := 1; at+frameHead <= len(tail); at++ {
		frame := tail[at:]
		length, follows := binary.LittleEndian.Uint32(frame), binary.LittleEndian.Uint64(frame[8:])-sequence
		if follows == 0 || follows > 1<<20 || int64(length) > int64(len(frame)-frameHead) {
			continue
		}
		if sum(frame[8:frameHead], frame[frameHead:frameHead+int(length)]) == binary.LittleEndian.Uint32(frame[4:]) {
			return fmt.Errorf("damaged at byte %d, and commits follow at byte %d: restore a copy of the file, or cut it at byte %d to go on without them",
				end, end+int64(at), end)
		}
	}
	return nil
}

// cutOff is nil for the ends that a crash leaves; a read error of the disk is not one.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func sum(sequence, changes []byte) uint32 {
	return crc32.Update(crc32.Checksum(sequence, castagnoli), castagnoli, changes)
}

// append writes one frame and returns when it is on disk.
func (l *logFile) append(sequence uint64, changes []byte) error {
	if l.failed != nil {
		return l.failed
	}
	l.buf = appendFrame(l.buf[:0], sequence, changes)
	if _, err := l.f.Write(l.buf); err != nil {
		l.failed = fmt.Errorf("write the store's log: %w", err)
	} else if err := l.f.Sync(); err != nil {
		l.failed = fmt.Errorf("sync the store's log: %w", err)
	} else {
		l.size.Add(int64(len(l.buf)))
	}
	return l.failed
}

func appendFrame(dst []byte, sequence uint64, changes []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(changes)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, sequence)
	binary.LittleEndian.PutUint32(dst[at+4:], sum(dst[at+8:at+frameHead], changes))
	return append(dst, changes...)
}

// syncDir makes a rename durable. Windows has no such call; there the rename is in the file system's own journal.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
