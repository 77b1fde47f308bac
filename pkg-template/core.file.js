// Where the wasm is a file of its own. Bundlers for pages know this line, take the file along and put its address here. This module has a name
// by which load.js knows whether it was bundled by one that does not; webpack, which does, would write a path of this machine in place of the second.
import { isPlaced } from './load.js';

export function file() {
  const url = new URL('./core_bg.wasm', import.meta.url);
  return isPlaced(url, import.meta.webpack ? undefined : import.meta.url, 'core.file.js') ? url : undefined;
}
