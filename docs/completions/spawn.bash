# Made by spawn_reference of the options.
# shellcheck shell=bash
_spawn() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  if [[ $word == = ]]; then before=${COMP_WORDS[COMP_CWORD - 1]} word=; fi
  # shellcheck disable=SC2207 # no word has a blank in it
  case $before in
    --factory | -f) return ;;
    --host | -i) return ;;
    --port | -p) return ;;
    --bind | -b) return ;;
    --umask) return ;;
    --processes | -s) COMPREPLY=($(compgen -W 'auto' -- "$word")); return ;;
    --threads | -t) return ;;
    --green) COMPREPLY=($(compgen -W 'auto gevent eventlet' -- "$word")); return ;;
    --worker-connections) return ;;
    --hub-stall) return ;;
    --interpreters) return ;;
    --python) compopt -o default; return ;;
    --keepalive-requests) return ;;
    --header-map) COMPREPLY=($(compgen -W 'drop refuse dangerous' -- "$word")); return ;;
    --server-header) return ;;
    --limit-request-line) return ;;
    --limit-header-count) return ;;
    --limit-headers) return ;;
    --limit-body) return ;;
    --max-connections) return ;;
    --header-timeout) return ;;
    --body-timeout) return ;;
    --body-rate) return ;;
    --write-timeout) return ;;
    --keepalive-timeout) return ;;
    --request-timeout) return ;;
    --queue-timeout) return ;;
    --boot-timeout) return ;;
    --drain-delay) return ;;
    --deadman) return ;;
    --max-age | -a) return ;;
    --max-requests) return ;;
    --max-requests-jitter) return ;;
    --max-memory | -m) return ;;
    --max-worker-memory) return ;;
    --forwarded-allow-ips) return ;;
    --watch | -w) compopt -o default; return ;;
    --reload | -r) COMPREPLY=($(compgen -W 'dev' -- "$word")); return ;;
    --surge) return ;;
    --watch-poll) return ;;
    --status-port) return ;;
    --status-host) return ;;
    --top) return ;;
    --access-log-file | -l) compopt -o default; return ;;
    --access-log-format) COMPREPLY=($(compgen -W 'spawning common combined json' -- "$word")); return ;;
    --log-level) COMPREPLY=($(compgen -W 'debug info warning error' -- "$word")); return ;;
    --log-format) COMPREPLY=($(compgen -W 'text json' -- "$word")); return ;;
    --pidfile) compopt -o default; return ;;
    --stdout) compopt -o default; return ;;
    --stderr) compopt -o default; return ;;
    --chuid | -u) return ;;
    --chdir) compopt -o dirnames; return ;;
    --env) return ;;
    --config) compopt -o default; return ;;
  esac
  # shellcheck disable=SC2207
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '--factory --host --port --bind --umask --processes --threads --green --worker-connections --hub-stall --interpreters --python --no-keepalive --keepalive-requests --header-map --server-header --limit-request-line --limit-header-count --limit-headers --limit-body --max-connections --header-timeout --body-timeout --body-rate --write-timeout --keepalive-timeout --request-timeout --queue-timeout --boot-timeout --drain-delay --deadman --max-age --max-requests --max-requests-jitter --max-memory --max-worker-memory --forwarded-allow-ips --proxy-protocol --watch --reload --surge --watch-poll --status-port --status-host --top --access-log-file --access-log-format --request-id --log-level --log-format --coverage --sysinfo --daemonize --pidfile --stdout --stderr --chuid --chdir --env --backdoor --verbose --config --check --print-config --version --help' -- "$word"))
  fi
}
complete -F _spawn spawn
