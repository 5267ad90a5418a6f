// SPDX-License-Identifier: MIT
#include "worker_settings.hpp"

#include <boost/json.hpp>
#include <string>

namespace json = boost::json;
namespace py = pybind11;

namespace spawning::python {
namespace {

py::str text_of(std::string_view text) { return {text.data(), text.size()}; }

py::object object_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return py::none();
    case json::kind::bool_:
      return py::bool_{value.get_bool()};
    case json::kind::int64:
      return py::int_{value.get_int64()};
    case json::kind::uint64:
      return py::int_{value.get_uint64()};
    case json::kind::double_:
      return py::float_{value.get_double()};
    case json::kind::string:
      return text_of(value.get_string());
    case json::kind::array: {
      py::list list;
      for (const json::value& each : value.get_array()) list.append(object_of(each));
      return list;
    }
    case json::kind::object: {
      py::dict dict;
      for (const auto& [name, each] : value.get_object()) dict[text_of(name)] = object_of(each);
      return dict;
    }
  }
  return py::none();
}

}  // namespace

py::object read_worker_settings(std::string_view text) {
  json::stream_parser parser;
  json::error_code error;
  const std::size_t read = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error)
    throw py::value_error{"settings are not JSON at octet " + std::to_string(read) + ": " +
                          error.message()};
  return object_of(parser.release());
}

}  // namespace spawning::python
