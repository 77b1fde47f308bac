#!/bin/sh
# workerd, but no longer than the process that started it, however that one ended: workerd by itself outlives a parent
# that was killed. Linux tells it by a signal; elsewhere a shell beside it looks once a second.
if setpriv --pdeathsig KILL true 2>/dev/null; then
  exec setpriv --pdeathsig KILL "$REAL_WORKERD" "$@"
fi
parent=$PPID
(while kill -0 "$parent" && kill -0 $$; do sleep 1; done; kill -9 $$) </dev/null >/dev/null 2>&1 3>&- &
exec "$REAL_WORKERD" "$@"
