const bytes = (...list) => new Uint8Array(list).buffer;

export function encoding(t, nk) {
  const id = nk.uuidv4();
  t.is(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), true, id);

  t.is(nk.base64Encode("a?>"), "YT8+");
  t.is(nk.base64Encode(bytes(0, 255)), "AP8=");
  t.is(nk.base64Encode("a", false), "YQ");
  t.is(nk.base64Encode(""), "");
  t.wrong("expects string", "base64Encode", 5);
  t.is(nk.base64Decode("AP8="), bytes(0, 255));
  t.is(nk.base64Decode("YQ", false), bytes(97));
  t.is(nk.base64Decode("YQ==", false), bytes(97));
  t.refuses("Failed to decode string: !", "base64Decode", "!");

  t.is(nk.base64UrlEncode("a?>"), "YT8-");
  t.is(nk.base64UrlEncode("a", false), "YQ");
  t.is(nk.base64UrlDecode("YQ=="), bytes(97));
  t.refuses("Failed to decode string: YQ", "base64UrlDecode", "YQ"); // padding is JavaScript's default
  t.is(nk.base64UrlDecode("YQ", false), bytes(97));

  t.is(nk.base16Encode(bytes(0, 255, 97)), "00ff61");
  t.is(nk.base16Decode("00ff61"), bytes(0, 255, 97));
  t.refuses("Failed to decode string: xx", "base16Decode", "xx");

  t.is(nk.stringToBinary("ä"), bytes(0xc3, 0xa4));
  t.is(nk.binaryToString(bytes(0xc3, 0xa4)), "ä");
  t.wrong("expects data to be UTF-8 encoded", "binaryToString", bytes(0xff));
}

const cheap = "$2a$04$qL3pQ.d7M.xBoSWcJ0MAsuM55SryGJPSKcyssVA/0MO5GDIRt.SWS"; // of "secret", in four rounds

export function crypto(t, nk, payload) {
  const [short, long] = ["0123456789abcdef", "0123456789abcdef0123456789abcdef"];
  const [, key, signature] = payload.match(/^([^]+)\n([0-9a-f]+)$/); // signature is that of "test"
  const hex = (v) => Array.from(new Uint8Array(v), (b) => b.toString(16).padStart(2, "0")).join("");

  // Input is padded with blanks to a multiple of four, which stay. Encrypted text is base64.
  const data = nk.aes128Encrypt("hello", short);
  t.is(nk.base64Decode(data).byteLength, 16 + 8);
  t.is(nk.aes128Decrypt(data, short), "hello   ");
  t.is(nk.aes256Decrypt(nk.aes256Encrypt("four", long), long), "four");
  for (const name of ["aes128Encrypt", "aes128Decrypt"]) t.wrong("expects key to be 16 bytes long", name, "AAAA", "short");
  for (const name of ["aes256Encrypt", "aes256Decrypt"]) t.wrong("expects key to be 32 bytes long", name, "AAAA", short);

  t.is(nk.md5Hash("test"), "098f6bcd4621d373cade4e832627b4f6");
  t.is(nk.sha256Hash("test"), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  t.is(hex(nk.hmacSha256Hash("test", "key")), "02afb56304902c656fcb737cdd03de6205bb6d401da2812efd9b2d36a08af159");
  t.is(Array.from(nk.rsaSha256Hash("test", key), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(""), signature); // a character a byte
  t.refuses("could not parse private key: no valid blocks found", "rsaSha256Hash", "test", "no key");

  t.is(nk.bcryptHash("secret").slice(0, 7), "$2a$13$");
  t.is([nk.bcryptCompare(cheap, "secret"), nk.bcryptCompare(cheap, "Secret")], [true, false]);
  t.is(t.fails(() => nk.bcryptCompare("no hash", "secret")) !== "", true);

  t.is(nk.jwtGenerate("HS256", "key", { a: 1 }), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.Z4rGK-v6a2sWAUQdmALR3aYbXZviLr8j26a9ndx_bM4");
  t.is(nk.jwtGenerate("RS256", key, { a: 1 }).split(".").length, 3);
  t.refuses("unsupported algo type - only allowed 'HS256', 'RS256'.", "jwtGenerate", "none", "key", { a: 1 });

  t.is(nk.secureRandomBytes(1000).byteLength, 1000);
  t.wrong("count must be 1-1000", "secureRandomBytes", 0);
  t.wrong("expects number", "secureRandomBytes", 1.5); // whole, as everywhere
}
