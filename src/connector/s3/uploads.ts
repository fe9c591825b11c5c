import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ConnectorError } from '../errors.ts'
import { unsigned, type Client, type Headers } from './client.ts'
import { errorOf } from './trouble.ts'
import { errorIn, escaped, listOf, parseXml, textOf, decoded } from './xml.ts'

/** An upload in parts: where, under which id of the server's, and how it is cut. As text it is what a ledger keeps. */
export interface Upload {
  key: string
  uploadId: string
  partBytes: number
}

export interface Part {
  number: number
  etag: string
  sizeBytes: number
  crc32?: string | undefined
}

export function textOfUpload({ key, uploadId, partBytes }: Upload): string {
  return JSON.stringify([uploadId, partBytes, key])
}

export function uploadOf(text: string): Upload {
  const [uploadId, partBytes, key] = JSON.parse(text) as [string, number, string]
  return { key, uploadId, partBytes }
}

export type Checksums = 'crc32' | 'md5'

/** The requests of uploads in parts. */
export class Uploads {
  readonly #client: Client
  readonly #checksums: Checksums

  constructor(client: Client, checksums: Checksums) {
    this.#client = client
    this.#checksums = checksums
  }

  async create(key: string, headers: Headers): Promise<string> {
    const algorithm: Headers = this.#checksums === 'crc32' ? { 'x-amz-checksum-algorithm': 'CRC32' } : {}
    const { text } = await this.#client.text({
      method: 'POST',
      key,
      query: { uploads: '' },
      headers: { ...headers, ...algorithm },
    })
    const uploadId = textOf(parseXml(text, 'InitiateMultipartUploadResult'), 'UploadId')
    if (!uploadId) throw new ConnectorError('Unreachable', 'the server began an upload and gave it no id')
    return uploadId
  }

  /** The server compares a part with its checksum before it keeps it. */
  async put({ key, uploadId }: Upload, number: number, body: Uint8Array): Promise<Part> {
    const sum = checksumOf(body, this.#checksums)
    const { headers } = await this.#client.headers({
      method: 'PUT',
      key,
      query: { partNumber: String(number), uploadId },
      headers: this.#checksums === 'crc32' ? { 'x-amz-checksum-crc32': sum } : { 'content-md5': sum },
      body,
      // What TLS protects already need not be hashed once more for the signature.
      ...(this.#client.secure ? { bodyHash: unsigned } : {}),
    })
    const etag = headers['etag']
    if (!etag) throw new ConnectorError('Unreachable', 'the server took a part and named no etag')
    return { number, etag, sizeBytes: body.length, ...(this.#checksums === 'crc32' ? { crc32: sum } : {}) }
  }

  /** What is there of an upload, by number. @throws ConnectorError `NotFound` when there is no such upload */
  async parts({ key, uploadId }: Pick<Upload, 'key' | 'uploadId'>): Promise<Part[]> {
    const parts: Part[] = []
    for (let after: string | undefined; ;) {
      const { text } = await this.#client.text({
        method: 'GET',
        key,
        query: { uploadId, ...(after === undefined ? {} : { 'part-number-marker': after }) },
      })
      const xml = parseXml(text, 'ListPartsResult')
      for (const part of listOf(xml, 'Part')) {
        parts.push({
          number: Number(textOf(part, 'PartNumber')),
          etag: textOf(part, 'ETag') ?? '',
          sizeBytes: Number(textOf(part, 'Size')),
          crc32: textOf(part, 'ChecksumCRC32'),
        })
      }
      after = textOf(xml, 'NextPartNumberMarker')
      if (textOf(xml, 'IsTruncated') !== 'true' || after === undefined) return parts
    }
  }

  /** @param conditions what may be there under its key @returns the etag of the whole */
  async complete({ key, uploadId }: Upload, parts: readonly Part[], conditions: Headers): Promise<string | undefined> {
    const inside = parts.map(({ number, etag, crc32 }) => {
      const sum = crc32 === undefined ? '' : `<ChecksumCRC32>${crc32}</ChecksumCRC32>`
      return `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag>${sum}</Part>`
    })
    const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside.join('')}</CompleteMultipartUpload>`
    const { text } = await this.#client.text({
      method: 'POST',
      key,
      query: { uploadId },
      headers: { ...conditions, 'content-type': 'application/xml' },
      body: Buffer.from(xml),
    })
    // It takes so long that the status is sent before it is known how it went.
    const error = errorIn(text)
    if (error) throw errorOf({ status: 500, ...error })
    return textOf(parseXml(text, 'CompleteMultipartUploadResult'), 'ETag')
  }

  /**
   * Idempotent. A part that was on its way may be kept by the server after the upload has ended, so it is asked what is there
   * (AWS, AbortMultipartUpload).
   */
  async abort(upload: Pick<Upload, 'key' | 'uploadId'>): Promise<void> {
    const { key, uploadId } = upload
    for (let tries = 0; tries < 5; tries++) {
      await this.#client.headers({ method: 'DELETE', key, query: { uploadId }, accept: [404] })
      if (await this.#isGone(upload)) return
    }
  }

  async #isGone(upload: Pick<Upload, 'key' | 'uploadId'>): Promise<boolean> {
    try {
      await this.parts(upload)
      return false
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'NotFound') return true
      throw error
    }
  }

  /** Ids of all uploads to exactly this key. */
  async under(key: string): Promise<string[]> {
    const ids: string[] = []
    for (let after: { 'key-marker': string; 'upload-id-marker': string } | undefined; ;) {
      const { text } = await this.#client.text({
        method: 'GET',
        query: { uploads: '', prefix: key, 'encoding-type': 'url', ...after },
      })
      const xml = parseXml(text, 'ListMultipartUploadsResult')
      const encoded = textOf(xml, 'EncodingType') === 'url'
      for (const upload of listOf(xml, 'Upload')) {
        const found = textOf(upload, 'Key') ?? ''
        if ((encoded ? decoded(found) : found) === key) ids.push(textOf(upload, 'UploadId') ?? '')
      }
      const [next, id] = [textOf(xml, 'NextKeyMarker'), textOf(xml, 'NextUploadIdMarker')]
      if (textOf(xml, 'IsTruncated') !== 'true' || next === undefined || id === undefined) return ids
      after = { 'key-marker': encoded ? decoded(next) : next, 'upload-id-marker': id }
    }
  }

  async copyPart({ key, uploadId }: Upload, number: number, headers: Headers): Promise<Part> {
    const { text } = await this.#client.text({
      method: 'PUT',
      key,
      query: { partNumber: String(number), uploadId },
      headers,
    })
    const error = errorIn(text)
    if (error) throw errorOf({ status: 500, ...error })
    const result = parseXml(text, 'CopyPartResult')
    return { number, etag: textOf(result, 'ETag') ?? '', sizeBytes: 0, crc32: textOf(result, 'ChecksumCRC32') }
  }
}

/** As headers have it, in base64. */
export function checksumOf(body: Uint8Array, checksums: Checksums): string {
  return checksums === 'crc32' ? base64Crc32(crc32(body)) : createHash('md5').update(body).digest('base64')
}

export function base64Crc32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}
