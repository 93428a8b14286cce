// Arrow values as JSON text.
#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <memory>
#include <string>

namespace distill {

/// Writes the values of one array.
class CellWriter {
 public:
  virtual ~CellWriter() = default;
  virtual void write(int64_t row, std::string& out) const = 0;
};

/// Empty where every value of the type has a place in JSON; else the reason, such as "the column
/// 'image.bytes' has the type binary". `name` is the column's.
std::string refusal(const arrow::DataType& type, const std::string& name);
/// The same of all columns, and of names that are there twice.
std::string refusal(const arrow::FieldVector& fields, const std::string& parent = "");

/// Of a type that is not refused. The writer looks into `array`, which must outlive it.
///
/// Values are those that Python sees. Strings are written as their bytes are, so that the reader
/// finds what is not UTF-8 in its row. NaN and infinities, which JSON does not have, are null.
/// Dates, times, durations and decimals are strings. A dictionary's value stands for its index.
std::unique_ptr<CellWriter> make_cell_writer(const arrow::Array& array);

/// An object with a member for each column.
std::unique_ptr<CellWriter> make_row_writer(const arrow::FieldVector& fields,
                                            const arrow::ArrayVector& columns);

}  // namespace distill
