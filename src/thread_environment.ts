import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** Environment of a thread: it finds compiled code where this one keeps its own, which saves 100 ms and 15 MB each. */
export function threadEnvironment(): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir()
  return cache === undefined ? { ...process.env } : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) }
}
