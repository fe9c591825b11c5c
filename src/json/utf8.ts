import { isUtf8 } from 'node:buffer'

/** What was given is not UTF-8; the message says where. */
export class NotUtf8 extends Error {
  override readonly name = 'NotUtf8'
}

/**
 * The text that somebody wrote. Decoded leniently, a filter of `/Löhne` in another encoding would leave out a folder that
 * nobody has, and the one that was meant would be transferred.
 *
 * @throws NotUtf8 with the first line that is not
 */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new NotUtf8(`is not UTF-8, at line ${firstLineThatIsNot(bytes)}; save it as UTF-8`)
}

function firstLineThatIsNot(bytes: Buffer): number {
  const lineFeed = 0x0a
  let from = 0
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(lineFeed, from)
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return line
    from = end + 1
  }
}
