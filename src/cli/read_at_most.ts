import { createReadStream } from 'node:fs'
import { documentBytes } from '../json/json.ts'

/** There is more than a document may have; nobody knows how much, as the rest was not read. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}

/** All of a file, a pipe or a device, as long as it is no more than a document may have. */
export async function readAtMost(from: string | AsyncIterable<Uint8Array>, most = documentBytes): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let read = 0
  for await (const chunk of typeof from === 'string' ? createReadStream(from) : from) {
    read += (chunk as Uint8Array).byteLength
    if (read > most) throw new TooLarge(`is larger than ${most / 1024 ** 2} MiB, the most that is read`)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks)
}
