package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const module = "github.com/skirmishgg/skirmish"

// ownProtos are our .proto files by their path from the module's root, which is also the name they register under.
var ownProtos = []string{"protocol/api/skirmish.proto"}

// generateProto writes the Go types of our own messages. There is no protoc: protocompile parses, and the pinned
// protoc-gen-go is run as protoc would run it.
func generateProto(files output) error {
	own, err := compileOwn()
	if err != nil {
		return err
	}
	response, err := runProtocGenGo(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: ownProtos,
		Parameter:      proto.String("module=" + module),
		ProtoFile:      own,
	})
	if err != nil {
		return err
	}
	for _, f := range response.File {
		files[f.GetName()] = []byte(f.GetContent())
	}
	return nil
}

// compileOwn gives the descriptors of our .proto files, comments included.
func compileOwn() ([]*descriptorpb.FileDescriptorProto, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(context.Background(), ownProtos...)
	if err != nil {
		return nil, err
	}
	var protos []*descriptorpb.FileDescriptorProto
	for _, f := range compiled {
		protos = append(protos, protoutil.ProtoFromFileDescriptor(f))
	}
	return protos, nil
}

func runProtocGenGo(request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	goCommand := os.Getenv("GO") // make's choice
	if goCommand == "" {
		goCommand = "go"
	}
	var out, complaint bytes.Buffer
	cmd := exec.Command(goCommand, "tool", "protoc-gen-go")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("protoc-gen-go: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out.Bytes(), response); err != nil {
		return nil, err
	}
	if text := response.GetError(); text != "" {
		return nil, errors.New(text)
	}
	return response, nil
}
