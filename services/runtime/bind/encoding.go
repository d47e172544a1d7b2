package bind

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/runtime/nk"
)

var encodings = []*Function{
	fn("uuid_v4", "", "id", func(*Call) ([]any, error) { return one(newUUID()) }).as("uuidv4"),
	fn("uuid_bytes_to_string", "bytes:string", "id", func(c *Call) ([]any, error) {
		var u id.UUID
		if copy(u[:], c.Str("bytes")) != len(u) || len(c.Str("bytes")) != len(u) {
			return nil, c.Wrong("bytes", "not a valid uuid byte string")
		}
		return []any{u.String()}, nil
	}).forLua(),
	fn("uuid_string_to_bytes", "id:string", "bytes", func(c *Call) ([]any, error) {
		u, err := id.Parse(c.Str("id"))
		if err != nil {
			return nil, c.Wrong("id", "not a valid uuid string")
		}
		return []any{Bytes(u[:])}, nil
	}).forLua(),
	base64Encoder("base64_encode", false),
	base64Decoder("base64_decode", "input:text padding:bool=true", "input:string padding:bool=true", false),
	base64Encoder("base64url_encode", true).as("base64UrlEncode"),
	base64Decoder("base64url_decode", "input:text padding:bool=false", "input:string padding:bool=true", true).as("base64UrlDecode"),
	fn("base16_encode", "input:bytes", "text", func(c *Call) ([]any, error) {
		return []any{hex.EncodeToString(c.Bytes("input"))}, nil
	}),
	fn("base16_decode", "input:string", "data", func(c *Call) ([]any, error) {
		data, err := hex.DecodeString(c.Str("input"))
		if err != nil {
			return nil, c.notA("base16", err)
		}
		return []any{Bytes(data)}, nil
	}),
	fn("json_encode", "value:any", "text", func(c *Call) ([]any, error) {
		if c.Arg("value") == nil {
			return nil, c.Wrong("value", "expects a non-nil value to encode")
		}
		text, err := json.Marshal(Plain(c.Arg("value"), c.Lang))
		if err != nil {
			return nil, c.Wrong("value", "error encoding to JSON: "+err.Error())
		}
		return []any{string(text)}, nil
	}).forLua(),
	fn("json_decode", "text:string", "value", func(c *Call) ([]any, error) {
		var v any
		if err := json.Unmarshal([]byte(c.Str("text")), &v); err != nil {
			return nil, c.Wrong("text", "not a valid JSON string: "+err.Error())
		}
		return []any{v}, nil
	}).forLua(),
	fn("binary_to_string", "data:bytes", "text", func(c *Call) ([]any, error) {
		if !utf8.Valid(c.Bytes("data")) {
			return nil, c.Wrong("data", "expects data to be UTF-8 encoded")
		}
		return []any{string(c.Bytes("data"))}, nil
	}).forJS(),
	fn("string_to_binary", "text:string", "data", func(c *Call) ([]any, error) { return []any{Bytes(c.Str("text"))}, nil }).forJS(),
}

func newUUID() (string, error) {
	var u id.UUID
	_, err := rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u.String(), err
}

func base64Encoder(name string, url bool) *Function {
	return fn(name, "input:bytes padding:bool=true", "text", func(c *Call) ([]any, error) {
		if len(c.Bytes("input")) == 0 && c.Lang == Lua {
			return nil, c.Wrong("input", "expects string")
		}
		return []any{encoding(url, c).EncodeToString(c.Bytes("input"))}, nil
	})
}

func encoding(url bool, c *Call) *base64.Encoding { return nk.Base64(url, c.Bool("padding")) }

func base64Decoder(name, lua, js string, url bool) *Function {
	return fn(name, lua, "data", func(c *Call) ([]any, error) {
		data, err := nk.Base64Decode(c.Str("input"), url, c.Bool("padding"))
		if err != nil {
			return nil, c.notA("base64", err)
		}
		return []any{Bytes(data)}, nil
	}).inJS(js)
}

// notA refuses a text that is not in an encoding, as each language does.
func (c *Call) notA(encoding string, err error) error {
	if c.Lang == JavaScript {
		return Textf("Failed to decode string: %s", c.Str("input"))
	}
	return c.Wrong("input", "not a valid "+encoding+" string: "+err.Error())
}

var crypts = []*Function{
	encrypter("aes128_encrypt", 16), decrypter("aes128_decrypt", 16),
	encrypter("aes256_encrypt", 32), decrypter("aes256_decrypt", 32),
	fn("md5_hash", "input:string", "hash", func(c *Call) ([]any, error) { return []any{nk.MD5(c.Str("input"))}, nil }),
	fn("sha256_hash", "input:string", "hash", func(c *Call) ([]any, error) { return []any{nk.SHA256(c.Str("input"))}, nil }),
	fn("hmac_sha256_hash", "input:string key:string", "hash", func(c *Call) ([]any, error) {
		return []any{Bytes(nk.HMACSHA256(c.Str("input"), c.Str("key")))}, nil
	}),
	fn("rsa_sha256_hash", "input:string key:text", "signature", func(c *Call) ([]any, error) {
		signature, err := nk.RSASHA256(c.Str("input"), c.Str("key"))
		if c.Lang == Lua {
			return []any{Bytes(signature)}, err
		}
		characters := make([]rune, len(signature)) // one for each byte, so that nothing of it is lost
		for i, b := range signature {
			characters[i] = rune(b)
		}
		return []any{string(characters)}, err
	}),
	fn("bcrypt_hash", "input:string", "hash", func(c *Call) ([]any, error) { return one(nk.BcryptHash(c.Str("input"))) }),
	fn("bcrypt_compare", "hash:text plaintext:text", "equal", func(c *Call) ([]any, error) {
		return one(nk.BcryptCompare(c.Str("hash"), c.Str("plaintext")))
	}),
	fn("jwt_generate", "algorithm:text key:text claims:object", "token", func(c *Call) ([]any, error) {
		return one(nk.JWT(c.Str("algorithm"), c.Str("key"), c.Object("claims")))
	}),
	fn("secure_random_bytes", "count:int", "bytes", func(c *Call) ([]any, error) {
		if err := c.between("count", 1, 1000, "count must be 1-1000"); err != nil {
			return nil, err
		}
		b := make([]byte, c.Int("count"))
		_, err := rand.Read(b)
		return []any{Bytes(b)}, err
	}),
}

var errNotText = errors.New("decrypted data is not a text")

// encrypter and decrypter: encrypted data is bytes in Lua and base64 in JavaScript.
func encrypter(name string, size int) *Function {
	return fn(name, "input:string key:string", "data", func(c *Call) ([]any, error) {
		data, err := nk.Encrypt([]byte(c.Str("input")), []byte(c.Str("key")), size)
		if err != nil {
			return nil, c.Wrong("key", err.Error())
		}
		if c.Lang == Lua {
			return []any{Bytes(data)}, nil
		}
		return []any{base64.StdEncoding.EncodeToString(data)}, nil
	})
}

func decrypter(name string, size int) *Function {
	return fn(name, "input:string key:string", "text", func(c *Call) ([]any, error) {
		data := []byte(c.Str("input"))
		if c.Lang == JavaScript {
			var err error
			if data, err = base64.StdEncoding.DecodeString(c.Str("input")); err != nil {
				return nil, c.notA("base64", err)
			}
		}
		text, err := nk.Decrypt(data, []byte(c.Str("key")), size)
		if err != nil {
			return nil, c.Wrong("key", err.Error())
		}
		if c.Lang == Lua {
			return []any{Bytes(text)}, nil
		}
		if !utf8.Valid(text) {
			return nil, errNotText
		}
		return []any{string(text)}, nil
	})
}
