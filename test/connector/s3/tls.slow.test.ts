import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { s3 } from '../../../src/connector/s3/s3.ts'
import { aServer } from '../../rig/a_server.ts'

/** A server behind TLS, with a certificate that only its own authority vouches for. */
const server = await aServer('s3')
const testIf = server ? test : test.skip
const folder = mkdtempSync(join(tmpdir(), 'stevedore-tls-'))
const [keyFile, caFile] = [join(folder, 'key.pem'), join(folder, 'ca.pem')]
execFileSync('openssl', [
  ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
  ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', caFile],
])
const payloads = new Set<unknown>()
const front = createServer({ key: readFileSync(keyFile), cert: readFileSync(caFile) }, (from, to) => {
  const { method, url: path, rawHeaders: headers } = from
  payloads.add(from.headers['x-amz-content-sha256'])
  const options = { host: '127.0.0.1', port: server!.port, method, path, headers, setHost: false }
  from.pipe(request(options, (answer) => answer.pipe(to.writeHead(answer.statusCode ?? 502, answer.rawHeaders))))
})
await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
const auth = { ...server?.auth, endpoint: `https://127.0.0.1:${(front.address() as AddressInfo).port}`, part_size: 5 }

afterAll(async () => {
  front.closeAllConnections()
  front.close()
  await server?.end()
  rmSync(folder, { recursive: true, force: true })
})

testIf('a certificate that nobody vouches for is refused, and the message names the setting', async () => {
  await expect((async () => s3.open(auth))()).rejects.toMatchObject({
    code: 'Misconfigured',
    message: expect.stringContaining('ca_file'),
  })
})

testIf('with insecure any certificate is believed, and the session warns of it', async () => {
  const session = await s3.open({ ...auth, insecure: true })
  expect(session.notes).toContainEqual(expect.objectContaining({ capability: 'transport' }))
  await session.close()
})

testIf('parts go over TLS without being hashed once more, and arrive as they were', async () => {
  const session = await s3.open({ ...auth, ca_file: caFile })
  expect(session.notes).not.toContainEqual(expect.objectContaining({ capability: 'transport' }))
  const content = Buffer.alloc(11 * 1024 * 1024, 'parts ')
  const spec = { container: '', key: 'k', name: 'large', sizeBytes: BigInt(content.length) }
  const staging = await session.stage({ ...spec, attributes: {}, durability: 'process' })
  await staging.write(content, 0n)
  const staged = await staging.finish(createHash('sha256').update(content).digest('hex'))
  await session.publish(staged, { container: '', name: 'large', condition: 'absent' })
  await session.close()
  expect(payloads).toContain('UNSIGNED-PAYLOAD')
  expect(readFileSync(join(server!.data, 'large')).equals(content)).toBe(true)
})
