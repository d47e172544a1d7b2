package proc

import (
	"os"
	"testing"
)

// A child that works is in the tree of its parent, and one that nobody knows is an error.
func TestTree(t *testing.T) {
	start(t, -1)
	tree, err := Tree(os.Getpid())
	if err != nil || tree <= 0 {
		t.Fatalf("%v, %v", tree, err)
	}
	if _, err := Tree(1 << 30); err == nil {
		t.Error("a process that there cannot be has used CPU")
	}
}
