import { constants } from 'node:fs'

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL } = constants
/** Absent on Windows, where they are nothing. */
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0
const O_NONBLOCK = constants.O_NONBLOCK ?? 0
const O_NOCTTY = constants.O_NOCTTY ?? 0
const O_DIRECTORY = constants.O_DIRECTORY ?? 0
/** Names a thing without opening it: no permission needed, no device or pipe woken. Node has no constant for it. */
const O_PATH = 0o10000000

export const flags = {
  /** A pipe put where a file was must not make us wait for its writer. */
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
  create: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
  createToRead: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
  resume: O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
  folder: O_RDONLY | O_DIRECTORY,
  /** Linux only. */
  folderHandle: O_PATH | O_DIRECTORY | O_NOFOLLOW,
  rootHandle: O_PATH | O_DIRECTORY,
  handle: O_PATH | O_NOFOLLOW,
} as const
