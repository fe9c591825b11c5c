// How a process of Stevedore is started. Runs under any Node from 14 on.
import { homedir } from 'node:os'
import { join } from 'node:path'

/** For the threads that mostly wait: 60 MB less than with the young generations they would grow. */
export const flags = ['--max-semi-space-size=2']

/** @param {NodeJS.ProcessEnv} env completed in place; what somebody has set stays */
export function prepare(env) {
  // Kept between runs: what stripping types and compiling came to. Every thread that finds it there starts sooner and is
  // 10 MB smaller. In a folder of the user's own: whoever can write there can run code here.
  if (env.NODE_COMPILE_CACHE === undefined)
    env.NODE_COMPILE_CACHE = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'stevedore', 'compiled')
  // With an arena for each thread the C library keeps 60 MB that nobody uses.
  if (process.platform === 'linux' && env.MALLOC_ARENA_MAX === undefined) env.MALLOC_ARENA_MAX = '2'
}
