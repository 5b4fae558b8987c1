#include "spaces/base/hash.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace lathe;

TEST_CASE("FNV-1a gives its published values", "[base]") {
  CHECK(fingerprint_of("") == 0xcbf29ce484222325);
  CHECK(fingerprint_of("a") == 0xaf63dc4c8601ec8c);
  CHECK(fingerprint_of("foobar") == 0x85944171f73967e8);
  CHECK(fingerprint_of("\xFF") != fingerprint_of("\x7F"));
}

TEST_CASE("hex has 16 lower-case digits", "[base]") {
  CHECK(hex(0) == "0000000000000000");
  CHECK(hex(0xDEADBEEF) == "00000000deadbeef");
  CHECK(hex(~std::uint64_t(0)) == "ffffffffffffffff");
}

TEST_CASE("SHA-256 gives the standard's values", "[base]") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a file's SHA-256 is that of its bytes, at every length around the blocks", "[base]") {
  const test::ScratchFolder folder;
  for (const std::size_t size : {0u, 1u, 55u, 56u, 63u, 64u, 65u, 262144u, 262145u, 600000u}) {
    INFO(size << " bytes");
    const std::string bytes(size, 'x');
    write_file(folder / "bytes", bytes);
    CHECK(sha256_of_file(folder / "bytes") == sha256(bytes));
  }
  CHECK_THROWS_AS(sha256_of_file(folder / "none"), FormatError);
  CHECK_THROWS_WITH(
      sha256_of_file(folder.path()),
      folder.path().string() + ": expected a file that can be read, got a folder; name a file");
}
