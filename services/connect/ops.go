package connect

import "github.com/skirmishgg/skirmish/protocol/op"

// Register adds the operation.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "CreateConnectToken", ID: 301, HTTP: []string{"POST /v2/connect *"}, Auth: op.Session}, s.CreateConnectToken)
}
