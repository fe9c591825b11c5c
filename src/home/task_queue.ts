import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from './home.ts'

/**
 * The task queue of a home: with its id, so that of two homes on one cluster neither takes up the workflows of the other, whose
 * jobs it does not know.
 *
 * @param prefix what `STEVEDORE_TASK_QUEUE` says
 */
export function taskQueueOf(home: Pick<Home, 'path'>, prefix: string): string {
  return `${prefix}-${idOf(home)}`
}

/** Made once, and copied with the home. */
function idOf({ path }: Pick<Home, 'path'>): string {
  const file = join(path, 'id')
  try {
    writeFileSync(file, randomBytes(6).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(file, 'utf8').trim()
}
