import { createHash, createHmac } from 'node:crypto'

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

export type Known = 'known' | 'unknown' | 'changed' | 'revoked'

/**
 * What a known_hosts file (man sshd, SSH_KNOWN_HOSTS FILE FORMAT) says of a server's key. Names may be plain, patterns or
 * hashed; certificate authorities are not looked at.
 *
 * @param key the key as the server sent it; its first field is its type
 */
export function lookUp(file: string, { host, port }: { host: string; port: number }, key: Uint8Array): Known {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
  const sent = Buffer.from(key).toString('base64')
  const type = typeOf(key)
  let found: Known = 'unknown'
  for (const line of file.split(/\r?\n/)) {
    const fields = line.trim().split(/\s+/)
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined
    const [names, keyType, known] = fields
    if (!names || names.startsWith('#') || !known || marker === '@cert-authority' || !isNamed(names, name)) continue
    if (marker === '@revoked' && known === sent) return 'revoked'
    if (marker !== undefined) continue
    if (known === sent) found = 'known'
    else if (keyType === type && found === 'unknown') found = 'changed'
  }
  return found
}

function typeOf(key: Uint8Array): string {
  const view = Buffer.from(key)
  return view.subarray(4, 4 + view.readUInt32BE(0)).toString('latin1')
}

function isNamed(patterns: string, name: string): boolean {
  if (patterns.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = patterns.split('|')
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
  }
  let matched = false
  for (const pattern of patterns.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!')
    if (!matches(negated ? pattern.slice(1) : pattern, name)) continue
    if (negated) return false
    matched = true
  }
  return matched
}

function matches(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(name)
}
