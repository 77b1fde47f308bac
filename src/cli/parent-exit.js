// Tells if the process that started this one still runs: a parent that is killed does not notify its children.
import { readFileSync } from 'node:fs';

/** Calls back once the process above this one, or the one above that (npm starts a shell that starts us), is gone. */
export function onParentExit(then) {
  const above = lineage();
  const timer = setInterval(() => {
    if (lineage() === above) return;
    clearInterval(timer);
    then();
  }, 500);
  timer.unref();
}

/** The shell that npm starts a script in, and where that can be known npm itself. */
function lineage() {
  try {
    // "pid (name) state ppid ...", the name being anything at all
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 1).trim().split(' ')[1]}`;
  } catch {
    return String(process.ppid);
  }
}
