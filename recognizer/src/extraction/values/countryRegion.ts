// ISO 3166-1: alpha-3 code, alpha-2 code and the names a form is likely to bear. Names as the standard's English short names
// without their legal additions, plus common abbreviations and, for Korea and its neighbours, the Korean name.
const countries = `ARE AE united arab emirates|uae;ARG AR argentina;AUS AU australia|호주;AUT AT austria|österreich;BEL BE belgium|belgique|belgië;
BGR BG bulgaria;BRA BR brazil|brasil;CAN CA canada|캐나다;CHE CH switzerland|schweiz|suisse;CHL CL chile;CHN CN china|people's republic of china|prc|중국;
COL CO colombia;CRI CR costa rica;CYP CY cyprus;CZE CZ czechia|czech republic;DEU DE germany|deutschland|독일;DNK DK denmark|danmark;
EGY EG egypt;ESP ES spain|españa;EST EE estonia;FIN FI finland;FRA FR france|프랑스;GBR GB united kingdom|uk|great britain|england|영국;
GRC GR greece;HKG HK hong kong|홍콩;HRV HR croatia;HUN HU hungary;IDN ID indonesia;IND IN india|인도;IRL IE ireland;ISL IS iceland;ISR IL israel;
ITA IT italy|italia;JPN JP japan|일본;KEN KE kenya;KOR KR korea|south korea|republic of korea|대한민국|한국;LTU LT lithuania;LUX LU luxembourg;
LVA LV latvia;MAR MA morocco;MEX MX mexico|méxico;MLT MT malta;MYS MY malaysia;NGA NG nigeria;NLD NL netherlands|the netherlands|nederland|holland;
NOR NO norway|norge;NZL NZ new zealand;PAK PK pakistan;PER PE peru;PHL PH philippines|필리핀;POL PL poland|polska;PRT PT portugal;ROU RO romania;
RUS RU russia|russian federation;SAU SA saudi arabia;SGP SG singapore|싱가포르;SRB RS serbia;SVK SK slovakia;SVN SI slovenia;SWE SE sweden|sverige;
THA TH thailand|태국;TUR TR turkey|türkiye;TWN TW taiwan|대만;UKR UA ukraine;URY UY uruguay;
USA US united states|united states of america|u.s.|u.s.a.|america|미국;VNM VN vietnam|viet nam|베트남;ZAF ZA south africa`;

const codes = new Map<string, string>(
  countries.split(';').flatMap((entry) => {
    const [alpha3 = '', alpha2 = '', ...names] = entry.trim().split(' ');
    const keys = [alpha3, alpha2, ...names.join(' ').split('|')];
    return keys.map((key): [string, string] => [plain(key), alpha3]);
  }),
);

/**
 * A country or region as its ISO 3166-1 alpha-3 code.
 *
 * @returns undefined for names and codes not in the table
 */
export function parseCountryRegion(text: string): string | undefined {
  return codes.get(plain(text));
}

function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^[\s.,;:]+|[\s,;:]+$/g, '');
}
