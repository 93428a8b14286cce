#include "data/arrow/arrow_rows.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/properties.h>

#include <cstdio>
#include <exception>
#include <stdexcept>

#include "data/arrow/cell_writer.h"

namespace distill {
namespace {

constexpr int64_t kBatchRows = 1024;
constexpr size_t kPiece = size_t{1} << 20;

struct Stopped {};

void require(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

template <typename T>
T take(arrow::Result<T> result) {
  require(result.status());
  return std::move(result).ValueUnsafe();
}

/// JSONL, handed on in pieces.
class Lines {
 public:
  Lines(ArrowWrite write, void* context) : write_(write), context_(context) {}

  void add(const arrow::RecordBatch& batch) {
    const auto writer = make_row_writer(batch.schema()->fields(), batch.columns());
    for (int64_t row = 0; row < batch.num_rows(); ++row, ++rows_) {
      writer->write(row, text_);
      text_ += '\n';
      if (text_.size() >= kPiece) flush();
    }
  }
  void flush() {
    if (!write_(context_, text_.data(), text_.size())) throw Stopped();
    text_.clear();
  }
  int64_t rows() const { return rows_; }

 private:
  ArrowWrite write_;
  void* context_;
  std::string text_;
  int64_t rows_ = 0;
};

void check_schema(const arrow::Schema& schema) {
  if (const std::string reason = refusal(schema.fields()); !reason.empty()) {
    throw std::runtime_error(reason);
  }
}

void write_parquet(const std::shared_ptr<arrow::io::RandomAccessFile>& file, Lines& lines) {
  parquet::ReaderProperties file_properties;
  file_properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_batch_size(kBatchRows);
  properties.set_pre_buffer(false);  // the file is mapped: nothing to fetch ahead
  parquet::arrow::FileReaderBuilder builder;
  require(builder.Open(file, file_properties));
  const auto reader = take(builder.properties(properties)->Build());
  std::shared_ptr<arrow::Schema> schema;
  require(reader->GetSchema(&schema));
  check_schema(*schema);
  const auto batches = take(reader->GetRecordBatchReader());
  while (const auto batch = take(batches->Next())) {
    require(batch->Validate());
    lines.add(*batch);
  }
  const int64_t expected = reader->parquet_reader()->metadata()->num_rows();
  if (lines.rows() != expected) {
    throw std::runtime_error("expected " + std::to_string(expected) +
                             " rows, as the footer says, found " + std::to_string(lines.rows()));
  }
}

void write_ipc_file(const std::shared_ptr<arrow::io::RandomAccessFile>& file, Lines& lines) {
  const auto reader = take(arrow::ipc::RecordBatchFileReader::Open(file));
  check_schema(*reader->schema());
  for (int i = 0; i < reader->num_record_batches(); ++i) {
    const auto batch = take(reader->ReadRecordBatch(i));
    require(batch->ValidateFull());  // offsets come from the file as they are
    lines.add(*batch);
  }
}

void write_ipc_stream(const std::shared_ptr<arrow::io::RandomAccessFile>& file, Lines& lines) {
  const auto reader = take(arrow::ipc::RecordBatchStreamReader::Open(file));
  check_schema(*reader->schema());
  while (const auto batch = take(reader->Next())) {
    require(batch->ValidateFull());
    lines.add(*batch);
  }
}

void write_rows(ArrowKind kind, const std::shared_ptr<arrow::io::RandomAccessFile>& file,
                Lines& lines) {
  switch (kind) {
    case ArrowKind::kParquet:
      return write_parquet(file, lines);
    case ArrowKind::kIpcFile:
      return write_ipc_file(file, lines);
    case ArrowKind::kIpcStream:
      return write_ipc_stream(file, lines);
  }
}

}  // namespace
}  // namespace distill

extern "C" __attribute__((visibility("default"))) int distill_arrow_rows(
    distill::ArrowKind kind, const void* file, size_t bytes, distill::ArrowWrite write,
    void* context, char* message, size_t message_bytes) noexcept {
  const auto fail = [&](const char* what) {
    std::snprintf(message, message_bytes, "%s", what);
    return 1;
  };
  try {
    const auto buffer = std::make_shared<arrow::Buffer>(static_cast<const uint8_t*>(file),
                                                        static_cast<int64_t>(bytes));
    const auto input = std::make_shared<arrow::io::BufferReader>(buffer);
    distill::Lines lines(write, context);
    distill::write_rows(kind, input, lines);
    lines.flush();
    return 0;
  } catch (const distill::Stopped&) {
    return fail("");
  } catch (const std::exception& error) {
    return fail(error.what());
  } catch (...) {
    return fail("unknown error");
  }
}
