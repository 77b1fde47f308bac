// Where the wasm is a file of its own. Bundlers for pages know this line, take the file along and put its address here. This module has a name
// by which load.js knows whether it was bundled by one that does not; webpack, which does, would write a path of this machine in place of the second.
// In a classic script a bundler leaves no address of its own, and so none of the file.
import { lazily } from './core.js';
import { isPlaced, isServer, opened, unpacked } from './load.js';

/** The WebAssembly: the file, or the text in a module. */
export async function open() {
  const url = isServer() ? undefined : file();
  return url ? opened(url) : unpacked((await lazily(() => import('./core.packed.js'))).default);
}

function file() {
  try {
    const url = new URL('./core_bg.wasm', import.meta.url);
    return isPlaced(url, import.meta.webpack ? undefined : import.meta.url, 'core.file.js') ? url : undefined;
  } catch {
    return undefined;
  }
}
