/** `sftp://me:secret@host` */
const passwordInAddress = /:\/\/[^\s"'/@\\:]*:[^\s"'/@\\]+@/
/** Names as {@link squeezed} leaves them. */
const secretName =
  /(password|passwd|passphrase|passcode|pwd|secret|(account|access|api|secret|private|shared|master)key|(^|access|auth|refresh|id|session|sas|security|api|bearer)token|sharedaccesssignature)$/
const signature = /^sig$|signature$/
/** What stands for a value in a text about one: `***`, `<password>`, `${PASSWORD}`. */
const placeholder =
  /^(\*+|x{3,}|\.{3}|…|<.*>|\[.*\]|\$\{.*\}|\{\{.*\}\}|none|null|nil|n\/?a|empty|blank|unset|required|optional|true|false|yes|no)$/i
/** As in a filter's pattern. */
const fileName = /\*|\.[a-z]\w{0,4}$/i
/** A shorter one amid words is a word itself: "password=required for all". */
const leastAmidWords = 16
const privateKey = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----/

/**
 * Whether a text holds a secret, by its form: a password in an address (`sftp://me:secret@host`), a connection string
 * (`Server=db;Password=secret`), an address that is signed (`https://host/a?sig=secret`), or a private key in PEM. Text about passwords, file
 * names and patterns do not. Linear in the text.
 */
export function holdsSecret(text: string): boolean {
  if (passwordInAddress.test(text) || privateKey.test(text)) return true
  return text.includes('=') && (assignsSecret(text) || isSigned(text))
}

/** The text without the private keys in it, each from its first line to its last, or to the end. */
export function withoutPrivateKeys(text: string, instead: string): string {
  let rest = text
  let kept = ''
  for (let found = privateKey.exec(rest); found; found = privateKey.exec(rest)) {
    kept += rest.slice(0, found.index) + instead
    const end = rest.indexOf('-----END', found.index)
    const close = end < 0 ? -1 : rest.indexOf('-----', end + 8)
    rest = close < 0 ? '' : rest.slice(close + 5)
  }
  return kept + rest
}

interface Assignment {
  name: string
  value: string
  /** Nothing stands before the name. */
  alone: boolean
}

function assignsSecret(text: string): boolean {
  const assignments = text.split(/[;,\n]/).flatMap(assignmentIn)
  const isConnectionString = assignments.filter(({ alone }) => alone).length > 1
  return assignments.some(({ name, value, alone }) => {
    if (!secretName.test(squeezed(name)) || value === '' || placeholder.test(value)) return false
    if (alone && isConnectionString) return true
    // A token is also what stands for something: "token=economy".
    if (/token$/.test(squeezed(name)) && !/\d/.test(value) && value.length < leastAmidWords) return false
    const [word = ''] = value.split(/\s/)
    return !fileName.test(word) && ((alone && word === value) || word.length >= leastAmidWords)
  })
}

/** `Account Key = abc`: a name of one or two words; or the word before the sign, where there are more. */
function assignmentIn(segment: string): Assignment[] {
  const sign = segment.indexOf('=')
  const before = segment
    .slice(0, Math.max(sign, 0))
    .split(/["'`(:]/)
    .at(-1)!
    .trim()
  const words = before.split(/\s+/)
  const name = words.slice(-2).join(' ')
  if (!/^[\w.-]+( [\w.-]+)?$/.test(name)) return []
  const value = segment
    .slice(sign + 1)
    .trim()
    .replace(/^["'`]|["'`)]$/g, '')
  return [{ name, value, alone: words.length <= 2 }]
}

function isSigned(text: string): boolean {
  return text.split(/\s+/).some((word) =>
    [...new URLSearchParams(queryOf(word))].some(([name, value]) => {
      const key = squeezed(name)
      return (signature.test(key) || secretName.test(key)) && value !== '' && !placeholder.test(value)
    }),
  )
}

/** What an address asks for and with; also on its own, as signatures are handed about. */
function queryOf(word: string): string {
  const at = word.search(/[?#]/)
  const query = word.includes('://') || at === 0 ? word.slice(at < 0 ? word.length : at + 1) : ''
  return (query === '' && word.includes('&') ? word : query).replace(/[?#]/g, '&')
}

/** `AWS_Secret-Access Key` → `awssecretaccesskey` */
function squeezed(name: string): string {
  return name.replace(/[\W_]/g, '').toLowerCase()
}
