#include "data/arrow/cell_writer.h"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/float16.h>

#include <charconv>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace distill {
namespace {

using arrow::Type;
using arrow::internal::checked_cast;

void write_string(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    if (c >= 0x20) {
      out += '\\';
      out += text[i];
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  out.append(text, begin);
  out += '"';
}

template <typename T>
void write_number(T value, std::string& out) {
  if (!std::isfinite(static_cast<double>(value))) {
    out += "null";
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  out += text;
  const bool is_plain = text.find_first_of(".e") == std::string_view::npos;
  if (std::is_floating_point_v<T> && is_plain) out += ".0";
}

void write_value(const arrow::BooleanArray& array, int64_t row, std::string& out) {
  out += array.Value(row) ? "true" : "false";
}

void write_value(const arrow::HalfFloatArray& array, int64_t row, std::string& out) {
  write_number(arrow::util::Float16::FromBits(array.Value(row)).ToDouble(), out);
}

void write_value(const arrow::FloatArray& array, int64_t row, std::string& out) {
  write_number(static_cast<double>(array.Value(row)), out);
}

template <typename T>
void write_value(const arrow::NumericArray<T>& array, int64_t row, std::string& out) {
  write_number(array.Value(row), out);
}

template <typename Array>
void write_value(const Array& array, int64_t row, std::string& out) {
  write_string(array.GetView(row), out);
}

/// What writes an array of plain values.
template <typename Array>
class ValueWriter : public CellWriter {
 public:
  explicit ValueWriter(const arrow::Array& array) : array_(checked_cast<const Array&>(array)) {}
  void write(int64_t row, std::string& out) const override {
    if (array_.IsNull(row)) {
      out += "null";
    } else {
      write_value(array_, row, out);
    }
  }

 private:
  const Array& array_;
};

class NullWriter : public CellWriter {
 public:
  void write(int64_t, std::string& out) const override { out += "null"; }
};

/// Types so rare that Arrow's own text serves.
class TextWriter : public CellWriter {
 public:
  explicit TextWriter(const arrow::Array& array) : array_(array) {}
  void write(int64_t row, std::string& out) const override {
    if (array_.IsNull(row)) {
      out += "null";
    } else {
      const auto scalar = array_.GetScalar(row);
      if (!scalar.ok()) throw std::runtime_error(scalar.status().message());
      write_string((*scalar)->ToString(), out);
    }
  }

 private:
  const arrow::Array& array_;
};

template <typename Array>
class ListWriter : public CellWriter {
 public:
  explicit ListWriter(const arrow::Array& array)
      : list_(checked_cast<const Array&>(array)), items_(make_cell_writer(*list_.values())) {}
  void write(int64_t row, std::string& out) const override {
    if (list_.IsNull(row)) {
      out += "null";
      return;
    }
    out += '[';
    const int64_t begin = list_.value_offset(row);
    const int64_t end = begin + list_.value_length(row);
    for (int64_t i = begin; i < end; ++i) {
      if (i > begin) out += ", ";
      items_->write(i, out);
    }
    out += ']';
  }

 private:
  const Array& list_;
  std::unique_ptr<CellWriter> items_;
};

class DictionaryWriter : public CellWriter {
 public:
  explicit DictionaryWriter(const arrow::Array& array)
      : array_(checked_cast<const arrow::DictionaryArray&>(array)),
        values_(make_cell_writer(*array_.dictionary())) {}
  void write(int64_t row, std::string& out) const override {
    if (array_.IsNull(row)) {
      out += "null";
    } else {
      const int64_t index = array_.GetValueIndex(row);
      if (index < 0 || index >= array_.dictionary()->length()) {
        throw std::runtime_error("an index is outside its dictionary");
      }
      values_->write(index, out);
    }
  }

 private:
  const arrow::DictionaryArray& array_;
  std::unique_ptr<CellWriter> values_;
};

/// A row, or a struct inside one (`array` tells its nulls).
class ObjectWriter : public CellWriter {
 public:
  ObjectWriter(const arrow::FieldVector& fields, const arrow::ArrayVector& members,
               const arrow::Array* array)
      : array_(array), held_(members) {
    for (size_t i = 0; i < members.size(); ++i) {
      std::string key = i > 0 ? ", " : "";
      write_string(fields[i]->name(), key);
      members_.emplace_back(key + ": ", make_cell_writer(*members[i]));
    }
  }
  void write(int64_t row, std::string& out) const override {
    if (array_ != nullptr && array_->IsNull(row)) {
      out += "null";
      return;
    }
    out += '{';
    for (const auto& [key, value] : members_) {
      out += key;
      value->write(row, out);
    }
    out += '}';
  }

 private:
  const arrow::Array* array_;
  arrow::ArrayVector held_;
  std::vector<std::pair<std::string, std::unique_ptr<CellWriter>>> members_;
};

std::unique_ptr<CellWriter> make_struct_writer(const arrow::Array& array) {
  const auto& structs = checked_cast<const arrow::StructArray&>(array);
  arrow::ArrayVector members;
  for (int i = 0; i < structs.num_fields(); ++i) members.push_back(structs.field(i));
  return std::make_unique<ObjectWriter>(array.type()->fields(), members, &array);
}

}  // namespace

std::string refusal(const arrow::DataType& type, const std::string& name) {
  const Type::type id = type.id();
  switch (id) {
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
      return refusal(*type.field(0)->type(), name + "[]");
    case Type::STRUCT:
      return refusal(type.fields(), name);
    case Type::DICTIONARY:
      return refusal(*checked_cast<const arrow::DictionaryType&>(type).value_type(), name);
    case Type::EXTENSION:
      return refusal(*checked_cast<const arrow::ExtensionType&>(type).storage_type(), name);
    default:
      break;
  }
  const bool is_text = id == Type::STRING || id == Type::LARGE_STRING || id == Type::STRING_VIEW;
  if (is_text || id == Type::NA || id == Type::BOOL || arrow::is_integer(id) ||
      arrow::is_floating(id) || arrow::is_temporal(id) || id == Type::DURATION ||
      arrow::is_decimal(id)) {
    return "";
  }
  return "the column '" + name + "' has the type " + type.name() +
         ", which is not read; write it as text, or leave it out of the file";
}

std::string refusal(const arrow::FieldVector& fields, const std::string& parent) {
  std::set<std::string> names;
  for (const auto& field : fields) {
    const std::string name = parent.empty() ? field->name() : parent + "." + field->name();
    if (!names.insert(name).second) return "the column '" + name + "' is there twice";
    if (std::string reason = refusal(*field->type(), name); !reason.empty()) return reason;
  }
  return "";
}

std::unique_ptr<CellWriter> make_cell_writer(const arrow::Array& array) {
  switch (array.type_id()) {
    case Type::NA:
      return std::make_unique<NullWriter>();
    case Type::BOOL:
      return std::make_unique<ValueWriter<arrow::BooleanArray>>(array);
    case Type::UINT8:
      return std::make_unique<ValueWriter<arrow::UInt8Array>>(array);
    case Type::INT8:
      return std::make_unique<ValueWriter<arrow::Int8Array>>(array);
    case Type::UINT16:
      return std::make_unique<ValueWriter<arrow::UInt16Array>>(array);
    case Type::INT16:
      return std::make_unique<ValueWriter<arrow::Int16Array>>(array);
    case Type::UINT32:
      return std::make_unique<ValueWriter<arrow::UInt32Array>>(array);
    case Type::INT32:
      return std::make_unique<ValueWriter<arrow::Int32Array>>(array);
    case Type::UINT64:
      return std::make_unique<ValueWriter<arrow::UInt64Array>>(array);
    case Type::INT64:
      return std::make_unique<ValueWriter<arrow::Int64Array>>(array);
    case Type::HALF_FLOAT:
      return std::make_unique<ValueWriter<arrow::HalfFloatArray>>(array);
    case Type::FLOAT:
      return std::make_unique<ValueWriter<arrow::FloatArray>>(array);
    case Type::DOUBLE:
      return std::make_unique<ValueWriter<arrow::DoubleArray>>(array);
    case Type::STRING:
      return std::make_unique<ValueWriter<arrow::StringArray>>(array);
    case Type::LARGE_STRING:
      return std::make_unique<ValueWriter<arrow::LargeStringArray>>(array);
    case Type::STRING_VIEW:
      return std::make_unique<ValueWriter<arrow::StringViewArray>>(array);
    case Type::LIST:
      return std::make_unique<ListWriter<arrow::ListArray>>(array);
    case Type::LARGE_LIST:
      return std::make_unique<ListWriter<arrow::LargeListArray>>(array);
    case Type::FIXED_SIZE_LIST:
      return std::make_unique<ListWriter<arrow::FixedSizeListArray>>(array);
    case Type::STRUCT:
      return make_struct_writer(array);
    case Type::DICTIONARY:
      return std::make_unique<DictionaryWriter>(array);
    case Type::EXTENSION:
      return make_cell_writer(*checked_cast<const arrow::ExtensionArray&>(array).storage());
    default:
      return std::make_unique<TextWriter>(array);
  }
}

std::unique_ptr<CellWriter> make_row_writer(const arrow::FieldVector& fields,
                                            const arrow::ArrayVector& columns) {
  return std::make_unique<ObjectWriter>(fields, columns, nullptr);
}

}  // namespace distill
