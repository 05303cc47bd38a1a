import { z } from 'zod'
import { SUBJECT } from './ids.ts'

/** A pseudonymous subject token. */
export const Subject = z.string().regex(SUBJECT, 'expected a subject token such as 7Q4K-2MXB-9D0R-HT5W')
/** An identifier of the app's own (an order number). Nine digits in a row would be a phone or ID number. */
export const Reference = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'expected letters, digits, dot, dash, colon')
  .refine(
    (text) => !/\d{9,}/.test(text.replace(/[._:-]/g, '')),
    'holds nine digits in a row, as a phone or ID number does',
  )
