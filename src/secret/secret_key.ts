const names = new Set([
  ...['pass', 'password', 'passwords', 'passwd', 'passphrase', 'passcode', 'pwd', 'secret', 'secrets'],
  ...['credential', 'credentials', 'authorization', 'cookie', 'cookies', 'token', 'signature'],
])
/** Of two words, or of one where somebody left out what is between them. */
const compound = /^((api|access|private|shared|account|secret|master|signing|encryption)key|pass(word|wd|phrase|code))$/
/** Of one word that no other ends with. */
const ending =
  /(password|passwd|passphrase|apikey|(access|private|secret|account)key|(client|app)secret|(access|auth|refresh|bearer|session|api)token)$/
/** Says in what form it stands there. */
const form = /^(value|text|string|header|json|plain|encoded|data|confirm|confirmation|repeat|old|new|current|)$/

/**
 * Whether a key names a secret: `ftp_password`, `apiToken`, `secret-access-key`. Whole words count, and what they come to in
 * the end: `secretary`, `compass` and `credential_type` name none.
 */
export function isSecretKey(key: string): boolean {
  const words = key
    .replace(/([a-z0-9])(?=[A-Z])/g, '$1 ')
    .replace(/([A-Z])(?=[A-Z][a-z])/g, '$1 ')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => (word === 'base64' || word === 'b64' ? '' : word.replace(/\d{1,9}$/, '')))
  while (words.length > 0 && form.test(words.at(-1)!)) words.pop()
  const last = words.at(-1) ?? ''
  return names.has(last) || ending.test(last) || compound.test(last) || compound.test(words.slice(-2).join(''))
}

/** Settings of a connection that say where and how, not with what key. */
const harmless =
  /^(root|path|uri|url|unc|host|port|bucket|region|service_url|domain|share|versioning|directory|account|root_may_change|names|links|impersonation|task_queue|ssl|auth_type|max_\w+|admin_mode|follow_\w+)$/

/** Of an `auth`: it holds no secret. */
export function isHarmlessSetting(key: string): boolean {
  return harmless.test(key)
}
