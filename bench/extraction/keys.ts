// Which printed key belongs to a labelled field, for judging pairs found without labels. Fields that no method can tell apart
// by key (two in one box, digits in combs, selection marks) are left out.

export const statementKeys: Readonly<Record<string, RegExp>> = {
  'Receipt No': /Receipt|No/i,
  'Sold To': /Sold To/i,
  'ID #': /ID/i,
};

export const taxFormKeys: Readonly<Record<string, RegExp>> = {
  PayerTIN: /PAYER.?S TIN/i,
  RecipientTIN: /RECIPIENT.?S TIN/i,
  RecipientName: /RECIPIENT.?S name/i,
  AccountNumber: /Account number/i,
  Rents: /Rents/i,
  Royalties: /Royalties/i,
  OtherIncome: /Other income/i,
  FederalIncomeTaxWithheld: /Federal income tax/i,
  FishingBoatProceeds: /Fishing boat/i,
  MedicalHealthCarePayments: /Medical|health/i,
  SubstitutePayments: /Substitute|in lieu/i,
  CropInsuranceProceeds: /Crop insurance/i,
  GrossProceedsAttorney: /Gross proceeds|attorney/i,
  FishResale: /Fish purchased|resale/i,
  '409ADeferrals': /409A deferrals/i,
  ExcessGoldenParachutePayments: /Excess golden|parachute/i,
  NonqualifiedDeferredCompensation: /Nonqualified|compensation/i,
  StateTaxWithheld: /State tax/i,
  StateNo: /State\/Payer|state no/i,
  StateIncome: /State income/i,
};

/** The 17 pairs a person reads on the first purchase order, which are also those the service is known to return. */
export const purchaseOrderPairs: readonly (readonly [key: string, value: string])[] = [
  ['Company Phone:', '555-348-6512'],
  ['Website:', 'www.herolimited.com'],
  ['Email:', 'accounts@herolimited.com'],
  ['Dated As:', '12/20/2020'],
  ['Purchase Order #:', '948284'],
  ['Vendor Name:', 'Balozi Khamisi'],
  ['Company Name:', 'Higgly Wiggly Books'],
  ['Address:', '938 NE Burner Road Boulder City, CO 92848'],
  ['Phone:', '938-294-2949'],
  ['Name:', 'Kidane Tsehaye'],
  ['Company Name:', 'Jupiter Book Supply'],
  ['Address:', '383 N Kinnick Road Seattle, WA 38383'],
  ['Phone:', '932-299-0292'],
  ['SUBTOTAL', '$140.00'],
  ['TAX', '$4.00'],
  ['TOTAL', '$144.00'],
  [
    'Additional Notes:',
    'Do not Jostle Box. Unpack carefully. Enjoy. Jupiter Book Supply will refund you 50% per book if returned within 60 days of reading and offer you 25% off you next total purchase.',
  ],
];
