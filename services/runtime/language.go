package runtime

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/runtime/guard"
)

// Language runs modules of one kind. Its methods are called by one goroutine at a time.
type Language interface {
	// Name is the language in logs and errors: "Lua".
	Name() string
	// Extensions are those of its files, with the dot: ".lua".
	Extensions() []string
	// Load runs the modules and registers what they offer.
	Load(ctx context.Context, h *Host, files []File, b *Builder) error
	// Check says what is wrong with the modules as far as that can be told without running them.
	Check(ctx context.Context, h *Host, files []File) error
}

// Host is what the modules of every language are given. Constant.
type Host struct {
	NK       nakama.NakamaModule
	DB       *sql.DB // on the embedded store every call of it answers a clear error
	Log      *slog.Logger
	Settings *config.Config
	Node     string
	Version  string
	Env      map[string]string // runtime.env; read-only
	Root     string            // runtime.path
	Guard    *guard.Guard      // of memory: languages Enter each call; nil: there is none
}

// File is a module's file.
type File struct {
	Root string // runtime.path
	Name string // within it, with slashes
}

// Path is where the file is.
func (f File) Path() string { return filepath.Join(f.Root, filepath.FromSlash(f.Name)) }

// Read is what is in the file.
func (f File) Read() ([]byte, error) { return os.ReadFile(f.Path()) }
