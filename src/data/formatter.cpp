#include "distill/data/formatter.h"

#include <algorithm>

#include "data/document_builder.h"
#include "data/record_view.h"
#include "distill/core/error.h"
#include "distill/core/version.h"
#include "distill/data/record_format.h"

namespace distill {
namespace {

std::unique_ptr<const RecordFormat> make_format(const SourceConfig& source) {
  std::unique_ptr<const RecordFormat> format = record_formats().create(source.format);
  if (!format) throw ConfigError(source.path + ": there is no format '" + source.format + "'");
  return format;
}

/// Its place among the formats, of which it is one.
int64_t number_of(const std::string& format) {
  const std::vector<RegistryEntry>& all = record_formats().entries();
  const auto found = std::find_if(all.begin(), all.end(), [&format](const RegistryEntry& entry) {
    return entry.name == format;
  });
  return found - all.begin();
}

}  // namespace

struct Formatter::Impl {
  Impl(const SourceConfig& config, TrainOn train_on, std::shared_ptr<const Tokenizer> tokenizer,
       std::shared_ptr<const ChatTemplate> chat)
      : source(config),
        format(make_format(config)),
        number(number_of(config.format)),
        builder(config, format->writing(), train_on, std::move(tokenizer), std::move(chat)),
        columns(*format, config) {}

  SourceConfig source;
  std::unique_ptr<const RecordFormat> format;
  int64_t number;
  DocumentBuilder builder;
  SourceColumns columns;
};

Formatter::Formatter(const SourceConfig& source, TrainOn train_on,
                     std::shared_ptr<const Tokenizer> tokenizer,
                     std::shared_ptr<const ChatTemplate> chat)
    : impl_(std::make_unique<const Impl>(source, train_on, std::move(tokenizer), std::move(chat))) {
}

Formatter::~Formatter() = default;
Formatter::Formatter(Formatter&&) noexcept = default;

Document Formatter::format(const Json& record) const {
  return impl_->format->document({record, impl_->columns}, impl_->builder);
}

std::string Formatter::plain_text(const Json& record) const {
  return impl_->format->plain_text({record, impl_->columns}, impl_->builder);
}

ContentKey Formatter::content_key(const Json& record) const {
  if (!record.is_object()) {
    throw DataError("expected a record (a JSON object), found " + shorten(record));
  }
  Hasher hasher;
  hasher.add(impl_->number).add(impl_->source.eos_token.value_or(""));
  const RecordView view(record, impl_->columns);
  for (const auto& entry : impl_->columns.entries()) hasher.add(view.content(entry));
  return hasher.key();
}

ContentKey Formatter::identity() const {
  const SourceConfig& source = impl_->source;
  Hasher hasher;
  hasher.add(build_id()).add(source.format);
  hasher.add(static_cast<int64_t>(source.file_type)).add(static_cast<int64_t>(source.sample_by));
  for (const auto& entry : impl_->columns.entries()) {
    hasher.add(entry.column).add(source.text_template(entry.field).value_or(""));
  }
  impl_->builder.add_to(hasher);
  return hasher.key();
}

}  // namespace distill
