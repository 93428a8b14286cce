#include "data/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

/// What a broken stream is called.
struct Broken {
  const std::string& file;
  const char* kind;

  [[noreturn]] void corrupt(size_t byte, const char* what) const {
    throw DataError(file + ": byte " + std::to_string(byte) + ": corrupt " + kind +
                    " stream: " + what);
  }
  [[noreturn]] void cut_off(size_t byte) const {
    throw DataError(file + ": byte " + std::to_string(byte) + ": the " + kind +
                    " stream ends in its middle; the file may be truncated");
  }
};

void decompress_gzip(std::string_view stream, const Broken& broken,
                     const std::function<void(std::string_view)>& sink) {
  constexpr int kGzipOnly = 15 + 16;  // the largest window, and no bare zlib stream
  z_stream state = {};
  if (inflateInit2(&state, kGzipOnly) != Z_OK) throw DataError(broken.file + ": out of memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&state, inflateEnd);
  std::vector<unsigned char> buffer(kPiece);
  int status = Z_STREAM_END;
  for (size_t at = 0; at < stream.size();) {
    if (status == Z_STREAM_END) {
      // Tapes and block copies end in zeros, which gzip passes over too.
      if (at > 0 && stream.find_first_not_of('\0', at) == std::string_view::npos) break;
      inflateReset(&state);
    }
    const size_t size = std::min(kPiece, stream.size() - at);
    // zlib does not write there; its C interface lacks the const.
    state.next_in =
        const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(stream.data() + at));
    state.avail_in = static_cast<uInt>(size);
    do {
      state.next_out = buffer.data();
      state.avail_out = static_cast<uInt>(buffer.size());
      status = inflate(&state, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        const char* what = state.msg != nullptr ? state.msg : "it needs a dictionary or memory";
        broken.corrupt(at + size - state.avail_in, what);
      }
      sink({reinterpret_cast<const char*>(buffer.data()), buffer.size() - state.avail_out});
    } while (state.avail_out == 0 && status != Z_STREAM_END);
    at += size - state.avail_in;
  }
  if (status != Z_STREAM_END) broken.cut_off(stream.size());
}

void decompress_zstd(std::string_view stream, const Broken& broken,
                     const std::function<void(std::string_view)>& sink) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> state(ZSTD_createDStream(),
                                                                       ZSTD_freeDStream);
  if (!state) throw DataError(broken.file + ": out of memory");
  std::vector<char> buffer(kPiece);
  ZSTD_inBuffer input = {stream.data(), stream.size(), 0};
  size_t left = 0;  // of the frame; 0 between frames
  bool more_output = false;
  while (input.pos < input.size || more_output) {
    ZSTD_outBuffer output = {buffer.data(), buffer.size(), 0};
    left = ZSTD_decompressStream(state.get(), &output, &input);
    if (ZSTD_isError(left) != 0) broken.corrupt(input.pos, ZSTD_getErrorName(left));
    sink({buffer.data(), output.pos});
    more_output = left != 0 && output.pos == output.size;
  }
  if (left != 0) broken.cut_off(stream.size());
}

}  // namespace

Compression compression_of(std::string_view stream) {
  using namespace std::string_view_literals;
  if (stream.starts_with("\x1f\x8b"sv)) return Compression::kGzip;
  if (stream.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::kZstd;
  // A frame to skip, with which the parallel compressor begins.
  const bool skips = stream.size() >= 4 && (static_cast<unsigned char>(stream[0]) >> 4) == 5 &&
                     stream.substr(1, 3) == "\x2a\x4d\x18"sv;
  return skips ? Compression::kZstd : Compression::kNone;
}

void decompress(std::string_view stream, Compression compression, const std::string& name,
                const std::function<void(std::string_view)>& sink) {
  switch (compression) {
    case Compression::kNone:
      return sink(stream);
    case Compression::kGzip:
      return decompress_gzip(stream, {name, "gzip"}, sink);
    case Compression::kZstd:
      return decompress_zstd(stream, {name, "zstd"}, sink);
  }
}

}  // namespace distill
