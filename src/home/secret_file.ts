import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'

/** Others may read a file that holds a secret. What is to be done about it depends on the secret. */
export class OpenToOthers extends Error {
  override readonly name = 'OpenToOthers'
}

/**
 * Reads a file that only its owner may read, making it first if there is none. Of several processes that make it at once,
 * one wins and all read what it wrote.
 *
 * @throws OpenToOthers; the error of the file system
 */
export function secretFile(file: string, make: () => Uint8Array): Buffer {
  const there = read(file)
  if (there) return there
  create(file, make())
  const made = read(file)
  if (!made) throw new Error(`${file} vanished while it was opened`)
  return made
}

function read(file: string): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mode } = fstatSync(fd)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw new OpenToOthers(`${file} is open to others`)
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Whole and on disk before it has its name: a key that is lost later takes every stored credential with it. */
function create(file: string, secret: Uint8Array): void {
  const made = `${file}.${randomBytes(6).toString('hex')}`
  const fd = openSync(made, 'wx', 0o600)
  try {
    writeSync(fd, secret)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  try {
    linkSync(made, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(made)
  }
}
