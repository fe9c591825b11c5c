/** Loaded before anything else (`--import`): appends the path of whatever is synced to the file named in `SYNC_LOG`. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const sync = fs.fsyncSync
fs.fsyncSync = (fd) => {
  sync(fd)
  fs.appendFileSync(process.env['SYNC_LOG'] ?? '', `${fs.readlinkSync(`/proc/self/fd/${fd}`)}\n`)
}
syncBuiltinESMExports()
