import type { Headers } from './client.ts'
import { encodeKey } from './keys.ts'
import type { Found, Objects } from './objects.ts'
import { errorOf } from './trouble.ts'
import type { Uploads } from './uploads.ts'
import { errorIn } from './xml.ts'

export interface Copying {
  from: string
  /** As it was found there; of that version it is copied, or not at all. */
  found: Found
  to: string
  /** Everything that is to stand beside the content. */
  headers: Headers
  /** What may be there already. */
  conditions: Headers
  /** One request copies this much. */
  largestBytes: bigint
}

/** Copies an object inside its bucket, on the server: no content comes here. */
export async function copyObject(objects: Objects, uploads: Uploads, copying: Copying): Promise<void> {
  const { client, settings } = objects
  const { from, found, to, headers, conditions, largestBytes } = copying
  const { version, sizeBytes } = found.facts
  const source: Headers = {
    'x-amz-copy-source': `/${settings.bucket}/${encodeKey(from)}`,
    ...(version === undefined ? {} : { 'x-amz-copy-source-if-match': `"${version}"` }),
  }
  if (sizeBytes <= largestBytes) {
    const { text } = await client.text({
      method: 'PUT',
      key: to,
      headers: { ...headers, ...source, ...conditions, 'x-amz-metadata-directive': 'REPLACE' },
    })
    const error = errorIn(text)
    if (error) throw errorOf({ status: 500, ...error })
    return
  }
  const upload = { key: to, uploadId: await uploads.create(to, headers), partBytes: Number(largestBytes) }
  try {
    const parts = []
    for (let at = 0n; at < sizeBytes; at += largestBytes) {
      const last = (at + largestBytes < sizeBytes ? at + largestBytes : sizeBytes) - 1n
      const range = { 'x-amz-copy-source-range': `bytes=${at}-${last}` }
      parts.push(await uploads.copyPart(upload, parts.length + 1, { ...source, ...range }))
    }
    await uploads.complete(upload, parts, conditions)
  } catch (error) {
    await uploads.abort(upload)
    throw error
  }
}
