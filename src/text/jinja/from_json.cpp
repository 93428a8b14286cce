#include "text/jinja/from_json.h"

#include <limits>

namespace distill::jinja {
namespace {

std::string checked_utf8(const std::string& text) {
  if (const auto bad = first_invalid_utf8(text)) {
    throw Fault("the text of a message is not UTF-8: byte " + std::to_string(*bad));
  }
  return text;
}

Value convert(const Json& json, int depth) {
  if (depth > kMaxValueDepth) throw Fault("the messages nest deeper than 200 levels");
  switch (json.type()) {
    case Json::value_t::null:
      return Value();
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
        throw Fault("an integer of the messages does not fit into 64 bits: " + json.dump());
      }
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    case Json::value_t::string:
      return Value::string(checked_utf8(json.get_ref<const std::string&>()));
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(convert(item, depth + 1));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, value] : json.items()) {
        dict.set(Value::string(checked_utf8(key)), convert(value, depth + 1));
      }
      return Value::dict(std::move(dict));
    }
    default:
      throw Fault("the messages hold binary data");
  }
}

}  // namespace

Value from_json(const Json& json) { return convert(json, 1); }

}  // namespace distill::jinja
