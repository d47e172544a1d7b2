package nk

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
)

// What scripts have for want of Go's standard library. Forms and errors are those that modules know.

// Base64 is the encoding of the alphabet and padding asked for.
func Base64(url, padding bool) *base64.Encoding {
	switch {
	case url && padding:
		return base64.URLEncoding
	case url:
		return base64.RawURLEncoding
	case padding:
		return base64.StdEncoding
	}
	return base64.RawStdEncoding
}

// Base64Decode reads a text; without padding asked for, a padded one will do as well.
func Base64Decode(text string, url, padding bool) ([]byte, error) {
	if !padding {
		text = strings.TrimRight(text, "=")
	}
	return Base64(url, padding).DecodeString(text)
}

// Encrypt is AES in CFB mode behind a random initialisation vector. The input is padded with spaces to a multiple of 4 bytes,
// which Decrypt leaves in place.
// Errors: the key is not of keySize bytes.
func Encrypt(input, key []byte, keySize int) ([]byte, error) {
	block, err := newCipher(key, keySize)
	if err != nil {
		return nil, err
	}
	if odd := len(input) % 4; odd != 0 {
		input = append(input[:len(input):len(input)], "   "[:4-odd]...)
	}
	out := make([]byte, aes.BlockSize+len(input))
	if _, err := rand.Read(out[:aes.BlockSize]); err != nil {
		return nil, err
	}
	cfb(block, out[:aes.BlockSize], out[aes.BlockSize:], input, true)
	return out, nil
}

// Decrypt undoes Encrypt.
// Errors: the key is not of keySize bytes, or the input is shorter than the vector.
func Decrypt(input, key []byte, keySize int) ([]byte, error) {
	block, err := newCipher(key, keySize)
	if err != nil {
		return nil, err
	}
	if len(input) < aes.BlockSize {
		return nil, errors.New("decryption error: input is too short")
	}
	out := make([]byte, len(input)-aes.BlockSize)
	cfb(block, input[:aes.BlockSize], out, input[aes.BlockSize:], false)
	return out, nil
}

func newCipher(key []byte, size int) (cipher.Block, error) {
	if len(key) != size {
		return nil, fmt.Errorf("expects key to be %d bytes long", size)
	}
	return aes.NewCipher(key)
}

// cfb is cipher feedback over whole blocks and a shorter last one. Modules have data encrypted in this mode; nothing else
// here uses it, as it does not authenticate.
func cfb(block cipher.Block, iv, dst, src []byte, encrypt bool) {
	mask, next := make([]byte, aes.BlockSize), iv
	for len(src) > 0 {
		block.Encrypt(mask, next)
		n := min(aes.BlockSize, len(src))
		for i := range n {
			dst[i] = src[i] ^ mask[i]
		}
		if next = src[:n]; encrypt {
			next = dst[:n]
		}
		dst, src = dst[n:], src[n:]
		if n < aes.BlockSize {
			return
		}
	}
}

// MD5 and SHA256 are digests in hexadecimal.
func MD5(input string) string {
	sum := md5.Sum([]byte(input))
	return hex.EncodeToString(sum[:])
}

func SHA256(input string) string {
	sum := sha256.Sum256([]byte(input))
	return hex.EncodeToString(sum[:])
}

// HMACSHA256 is 32 bytes.
func HMACSHA256(input, key string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(input))
	return mac.Sum(nil)
}

// RSASHA256 signs by PKCS #1 v1.5 with a key in PKCS #1 PEM.
func RSASHA256(input, key string) ([]byte, error) {
	private, err := rsaKey(key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("error signing input: %w", err)
	}
	return signature, nil
}

func rsaKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("could not parse private key: no valid blocks found")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("could not parse private key: %w", err)
	}
	return key, nil
}

const bcryptCost = 13

// BcryptHash and BcryptCompare keep passwords.
func BcryptHash(input string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(input), bcryptCost)
	if err != nil {
		return "", fmt.Errorf("error hashing input: %w", err)
	}
	return string(hash), nil
}

func BcryptCompare(hash, plain string) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(plain))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("error comparing hash and plaintext: %w", err)
	}
	return true, nil
}

// text is an error in words that modules know as they are.
type text string

func (t text) Error() string { return string(t) }

const errAlgorithm = text("unsupported algo type - only allowed 'HS256', 'RS256'.")

// JWT signs claims.
// Errors: an algorithm other than HS256 and RS256, or a key that is none.
func JWT(algorithm, key string, claims map[string]any) (string, error) {
	var method jwt.SigningMethod
	var signer any
	switch algorithm {
	case "HS256":
		method, signer = jwt.SigningMethodHS256, []byte(key)
	case "RS256":
		private, err := rsaKey(key)
		if err != nil {
			return "", err
		}
		method, signer = jwt.SigningMethodRS256, private
	default:
		return "", errAlgorithm
	}
	token, err := jwt.NewWithClaims(method, jwt.MapClaims(claims)).SignedString(signer)
	if err != nil {
		return "", fmt.Errorf("failed to sign token: %w", err)
	}
	return token, nil
}
