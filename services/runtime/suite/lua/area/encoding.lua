local check = require("check")

check.area("encoding", function(t, nk)
  local is, wrong = t.is, t.wrong

  local id = nk.uuid_v4()
  is(string.match(id, "^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$") ~= nil and #id, 36, id)
  local raw = "\0\17\34\51\68\85\102\119\136\153\170\187\204\221\238\255"
  is(nk.uuid_bytes_to_string(raw), "00112233-4455-6677-8899-aabbccddeeff")
  is(nk.uuid_string_to_bytes("00112233-4455-6677-8899-aabbccddeeff"), raw)
  wrong(1, "not a valid uuid byte string", "uuid_bytes_to_string", "short")
  wrong(1, "not a valid uuid string", "uuid_string_to_bytes", "short")

  is(nk.base64_encode("a?>"), "YT8+")
  is(nk.base64_encode("a"), "YQ==")
  is(nk.base64_encode("a", false), "YQ")
  wrong(1, "expects string", "base64_encode", "")
  wrong(1, "string expected, got nil", "base64_encode")
  is(nk.base64_decode("YQ=="), "a")
  is(nk.base64_decode("YQ", false), "a")
  is(nk.base64_decode("YQ==", false), "a")
  wrong(1, "not a valid base64 string: illegal base64 data at input byte 0", "base64_decode", "!")

  is(nk.base64url_encode("a?>"), "YT8-")
  is(nk.base64url_encode("a"), "YQ==")
  is(nk.base64url_encode("a", false), "YQ")
  is(nk.base64url_decode("YT8-"), "a?>")
  is(nk.base64url_decode("YQ"), "a") -- no padding is Lua's default
  is(nk.base64url_decode("YQ=="), "a")
  wrong(1, "not a valid base64 string: illegal base64 data at input byte 0", "base64url_decode", "YQ", true)

  is(nk.base16_encode("\0\255a"), "00ff61")
  is(nk.base16_decode("00ff61"), "\0\255a")
  wrong(1, "not a valid base16 string: encoding/hex: invalid byte: U+0078 'x'", "base16_decode", "xx")

  -- Lua to JSON: a table with any positive whole key is a list as long as the largest; the rest of its keys go.
  is(nk.json_encode({}), "{}")
  is(nk.json_encode({ 1, 2.5, "x", true }), '[1,2.5,"x",true]')
  is(nk.json_encode({ [3] = "c", lost = 1 }), '[null,null,"c"]')
  is(nk.json_encode({ b = { 1 }, a = {}, [0] = "zero" }), '{"0":"zero","a":{},"b":[1]}')
  is(nk.json_encode(1e15), "1000000000000000")
  is(nk.json_encode("text"), '"text"')
  is(nk.json_encode(false), "false")
  wrong(1, "expects a non-nil value to encode", "json_encode", nil)
  is(string.match(nk.json_encode({ f = print }), '^{"f":"function: 0x%x+"}$') ~= nil, true, nk.json_encode({ f = print }))
  local v = nk.json_decode('{"list":[1,{"x":null}],"big":9007199254740993,"no":false}')
  is(v, { list = { 1, {} }, big = 9007199254740992, no = false })
  is(nk.json_decode("null"), nil)
  wrong(1, "not a valid JSON string: invalid character 'x' looking for beginning of value", "json_decode", "x")
end)

local cheap = "$2a$04$qL3pQ.d7M.xBoSWcJ0MAsuM55SryGJPSKcyssVA/0MO5GDIRt.SWS" -- of "secret", in four rounds

check.area("crypto", function(t, nk, payload)
  local is, refuses = t.is, t.refuses
  local key, signature = string.match(payload, "^(.+)\n(%x+)$") -- signature is that of "test"
  local short, long = "0123456789abcdef", "0123456789abcdef0123456789abcdef"

  -- Input is padded with blanks to a multiple of four, which stay. The vector is the first 16 bytes.
  local data = nk.aes128_encrypt("hello", short)
  is(#data, 16 + 8)
  is(nk.aes128_decrypt(data, short), "hello   ")
  is(nk.aes256_decrypt(nk.aes256_encrypt("four", long), long), "four")
  for _, f in ipairs({ "aes128_encrypt", "aes128_decrypt" }) do t.wrong(2, "expects key to be 16 bytes long", f, "x", "short") end
  for _, f in ipairs({ "aes256_encrypt", "aes256_decrypt" }) do t.wrong(2, "expects key to be 32 bytes long", f, "x", short) end

  is(nk.md5_hash("test"), "098f6bcd4621d373cade4e832627b4f6")
  is(nk.sha256_hash("test"), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
  is(nk.base16_encode(nk.hmac_sha256_hash("test", "key")), "02afb56304902c656fcb737cdd03de6205bb6d401da2812efd9b2d36a08af159")
  is(nk.base16_encode(nk.rsa_sha256_hash("test", key)), signature)
  refuses("could not parse private key: no valid blocks found", "rsa_sha256_hash", "test", "no key")

  local hash = nk.bcrypt_hash("secret")
  is(string.sub(hash, 1, 7), "$2a$13$")
  is(nk.bcrypt_compare(cheap, "secret"), true)
  is(nk.bcrypt_compare(cheap, "Secret"), false)
  is(pcall(nk.bcrypt_compare, "no hash", "secret"), false)

  is(nk.jwt_generate("HS256", "key", { a = 1 }), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.Z4rGK-v6a2sWAUQdmALR3aYbXZviLr8j26a9ndx_bM4")
  is(#nk.jwt_generate("RS256", key, { a = 1 }) > 100, true)
  refuses("unsupported algo type - only allowed 'HS256', 'RS256'.", "jwt_generate", "none", "key", { a = 1 })

  is(#nk.secure_random_bytes(1000), 1000)
  t.wrong(1, "count must be 1-1000", "secure_random_bytes", 0)
end)
