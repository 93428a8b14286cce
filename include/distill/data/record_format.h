// What a record holds: an interface with one implementation a format (src/data/formats).
#pragma once

#include <string>
#include <vector>

#include "distill/config/registry.h"
#include "distill/flow/batch.h"

namespace distill {

class DocumentBuilder;
class RecordView;

/// A column that a format reads. It has the field's name, unless the source's `columns` say
/// otherwise. A source may have a template for a required one in its place.
struct FormatColumn {
  std::string field;
  bool required = true;
};

/// How a format's texts become tokens, and so what must be there.
enum class Writing {
  kPlain,        ///< laid end to end and closed by EOS, which the tokenizer must have
  kChat,         ///< by the chat template, which must be there
  kChatOrPlain,  ///< by the chat template where there is one
  kTokens        ///< the record has tokens
};

/// Stateless: what a source says of its records comes with the record and the builder. Columns that
/// it does not list count for nothing, also not in the keys of records.
class RecordFormat {
 public:
  virtual ~RecordFormat() = default;

  virtual std::vector<FormatColumn> columns() const = 0;
  virtual Writing writing() const = 0;
  /// Tokens and targets; the sample is left to the caller. Throws DataError that names the column.
  virtual Document document(const RecordView& record, const DocumentBuilder& builder) const = 0;
  /// The texts without any template, for a look at their words. Throws DataError as `document`
  /// does.
  virtual std::string plain_text(const RecordView& record,
                                 const DocumentBuilder& builder) const = 0;
};

/// A summary is what a record looks like, then what it is. The place of a format in this list
/// stands for it in the keys of records: a new one comes last.
const Registry<RecordFormat>& record_formats();

}  // namespace distill
