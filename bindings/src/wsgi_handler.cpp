// SPDX-License-Identifier: MIT
#include "wsgi_handler.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "exception_lines.hpp"
#include "wsgi_turn.hpp"

namespace spawning::python {

WsgiHandler::WsgiHandler(const GilHeld& gil, PyObject* application, EnvironOptions options,
                         const Log& log, Hub* hub)
    : log_{log},
      hub_{hub},
      application_{PyRef::borrow(application)},
      close_name_{interned("close")},
      environs_{gil, options},
      start_responses_{gil},
      inputs_{gil},
      early_hints_{gil},
      client_disconnected_{gil},
      files_{gil},
      gone_clients_{gil, hub} {
  ok_ = close_name_ && environs_.ok() && start_responses_.type() != nullptr &&
        inputs_.type() != nullptr && early_hints_.type() != nullptr &&
        client_disconnected_.type() != nullptr && files_.ok();
}

void WsgiHandler::handle(Request request, Responder responder) {
  const GilHeld gil = GilHeld::by_caller();
  const Hub::Turn turn{gil, hub_, *request.client};
  PyRef start_response = start_responses_.take(gil);
  PyRef input = inputs_.take(gil);
  PyRef early_hints = early_hints_.take(gil);
  PyRef client_disconnected = client_disconnected_.take(gil);
  if (!start_response || !input || !early_hints || !client_disconnected) {
    return log_exception(gil, "a request that could not be given to the application",
                         take_exception().get());  // the Responder answers 500
  }
  answer(gil, request, std::move(responder),
         {start_response.get(), input.get(), early_hints.get(), client_disconnected.get()});
  inputs_.give_back(gil, std::move(input));
  early_hints_.give_back(gil, std::move(early_hints));
  client_disconnected_.give_back(gil, std::move(client_disconnected));
  start_responses_.give_back(gil, std::move(start_response));
}

void WsgiHandler::answer(const GilHeld& gil, const Request& request, Responder responder,
                         const RequestObjects& objects) {
  const PyRef environ = environs_.build(gil, request, objects);
  if (!environ) {
    return log_exception(gil, "a request that could not be given to the application",
                         take_exception().get());
  }
  auto& response = unbox<WsgiResponse>(objects.start_response);
  auto& body = unbox<WsgiInput>(objects.input);
  auto& early_hints = unbox<RequestHook>(objects.early_hints);
  auto& client_disconnected = unbox<RequestHook>(objects.client_disconnected);
  response.begin(std::move(responder), request.method, hub_);
  body.begin(*request.body);
  early_hints.begin(objects.start_response);
  client_disconnected.begin(objects.start_response);
  WsgiTurn{gil, *this, request, response, body}.run(environ.get(), objects.start_response);
  early_hints.end();
  client_disconnected.end();
}

void WsgiHandler::log_exception(const GilHeld& gil, std::string_view label, PyObject* exception) {
  std::string introduction{"error in "};
  introduction += label;
  log_.traceback(introduction, lines_of(gil, exception));
}

// Whatever the callback says, nobody goes on from here.
void WsgiHandler::stay() {
  const bool raised = PyErr_Occurred() != nullptr;
  const PyRef exception = raised ? take_exception() : PyRef{};
  PyObject* const argument = exception ? exception.get() : Py_None;
  const PyRef ignored = PyRef::steal(PyObject_CallOneArg(came_back_.get(), argument));
  ::_exit(EXIT_FAILURE);
}

}  // namespace spawning::python
