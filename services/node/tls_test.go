package node

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"

	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// selfSigned writes a certificate for 127.0.0.1 and its key, and returns who trusts it.
func selfSigned(t *testing.T) (cert, key string, trust *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, key, &tls.Config{RootCAs: pool}
}

// TestTLS: with a certificate REST, WebSocket and gRPC speak TLS, and only that.
func TestTLS(t *testing.T) {
	cert, key, trust := selfSigned(t)
	n := startOn(t, "embedded", "--socket.ssl_certificate="+cert, "--socket.ssl_private_key="+key)
	api := &skirmish.API{URL: "https://" + n.HTTPAddr().String(), HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}}
	session, err := api.SignIn(t.Context(), "tls-device-0001", "tess")
	if err != nil {
		t.Fatal(err)
	}

	dialer := ws.Dialer{TLSConfig: trust}
	conn, _, _, err := dialer.Dial(t.Context(), "wss://"+n.HTTPAddr().String()+"/ws?token="+session.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 3 {
		if err := wsutil.WriteClientText(conn, []byte(`{"cid":"1","ping":{}}`)); err != nil {
			t.Fatal(err)
		}
		if answer, err := wsutil.ReadServerText(conn); err != nil || string(answer) != `{"cid":"1","pong":{}}` {
			t.Errorf("answer %s, %v", answer, err)
		}
	}

	health := func(c credentials.TransportCredentials) error {
		conn, err := grpc.NewClient(n.GRPCAddr().String(), grpc.WithTransportCredentials(c))
		if err != nil {
			return err
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		return err
	}
	if err := health(credentials.NewTLS(trust)); err != nil {
		t.Error(err)
	}
	plain := &skirmish.API{URL: "http://" + n.HTTPAddr().String()}
	if _, err := plain.SignIn(t.Context(), "tls-device-0001", ""); err == nil {
		t.Error("a request in the clear was answered")
	}
}
