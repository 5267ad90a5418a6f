// SPDX-License-Identifier: MIT
// Python beside C++ in one process: /fast is answered here, and all else by a WSGI application.
//
//     cd docs/examples && beside_python 127.0.0.1:8000 reading:app
#include <pybind11/embed.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/server.hpp"
#include "spawning/wsgi_application.hpp"

namespace {

namespace py = pybind11;
using spawning::Handler, spawning::Request, spawning::Responder;

class Fast final : public Handler {
  void handle(Request request, Responder responder) override {
    responder.respond(200, {{"Content-Type", "text/plain"}},
                      "C++ has answered " + std::string{request.path} + "\n");
  }
};

// Gives each request to one of two handlers: what is at `prefix` or below it, and the rest.
class Routes final : public Handler {
 public:
  Routes(std::string prefix, Handler& there, Handler& elsewhere)
      : prefix_{std::move(prefix)}, there_{there}, elsewhere_{elsewhere} {}

 private:
  void handle(Request request, Responder responder) override {
    std::string_view rest = request.path;
    const bool has_prefix = rest.starts_with(prefix_);
    if (has_prefix) rest.remove_prefix(prefix_.size());
    Handler& chosen = has_prefix && (rest.empty() || rest[0] == '/') ? there_ : elsewhere_;
    chosen.handle(request, std::move(responder));
  }

  const std::string prefix_;
  Handler& there_;
  Handler& elsewhere_;
};

// "shop:app" is `app` of the module `shop`, which is looked for in the current directory first.
py::object load(const std::string& name) {
  const auto colon = name.find(':');
  return py::module_::import(name.substr(0, colon).c_str()).attr(name.substr(colon + 1).c_str());
}

void serve(const py::object& application, const char* address, const spawning::Log& log) {
  spawning::IoContext context{1};
  Fast fast;
  spawning::WsgiApplication python{application.ptr(), log, {.threads = 4}};
  Routes routes{"/fast", fast, python};
  spawning::Server server{context, routes, log};
  server.listen(spawning::bind_listener(address));
  const py::gil_scoped_release released;  // for the threads of the application
  server.run();
}

}  // namespace

int main(int count, char** arguments) {
  const spawning::Log log{STDERR_FILENO, "beside_python"};
  const std::string name = count > 2 ? arguments[2] : "reading:app";
  const py::scoped_interpreter interpreter;
  try {
    serve(load(name), count > 1 ? arguments[1] : "127.0.0.1:8000", log);
    return EXIT_SUCCESS;
  } catch (const py::error_already_set& error) {
    const std::string_view words = error.what();
    log.error("cannot load '" + name + "': " + std::string{words.substr(0, words.find('\n'))} +
              "; expected MODULE:CALLABLE, of the current directory or $PYTHONPATH");
  } catch (const spawning::StartupError& error) {
    log.error(error.what());
  }
  return EXIT_FAILURE;
}
