"""The words for drugs and illnesses that the titles of the suites do not give, by code; and words that name neither.

Tables for `clef.reports.names`. Alternatives stand between " | " or on lines of their own, as in `clef.reports.words`.
"""

_GENERAL = """
    abnormal abnormality absence acids acting acute adjustment against age-related agents agonists aliphatic
    alteration altered amide amine analogues antagonists arrest arteries attack awareness benign bodies brain cardiac
    cells central centrally cerebral chain childhood chronic classified collapse combined complex compounds compression
    condition congenital damage delayed depression depressive dependence derivatives development developmental
    disability disease disorder disorders disturbance drops drugs effector elsewhere epileptic epilepticus episode
    essential esters ethers factor factors failure fatty flutter focal folic frontotemporal functional general
    generalised growth hereditary hormone hormones hydrate hyperactivity idiopathic immune impairment inhaled inhibitor
    inhibitors injury intellectual intravenous involuntary juvenile known language local malformations mental metabolic
    mobility motor movements multiple muscular myoclonic nasal nervous neuron newborn nitrogen other partial periphery
    pervasive physiological posterior reaction receptor recurrent related respiratory restless reversible secondary
    seizures selective severe simple sleep speech status stress symptomatic syndrome syndromes system tertiary toxic
    transient traumatic tremor unspecified vascular
"""
GENERAL = frozenset(_GENERAL.split())
"""Words of the suites' titles that name no illness by themselves: only the whole phrase of the title does."""
OF_THE_TRACING = frozenset(["status epilepticus", "simple partial seizures", "complex partial seizures"])
"""Names of the suites that a recording itself can show: a summary keeps them."""

ILLNESSES = {
    "G40": r"epileptics\b | epileptic (?:patient|encephalopath|syndrome|spasm) | lennox"
    r" | dravet | doose | rasmussen | \bjme\b"
    r" | rolandic epilep | west syndrome | hypsarrhythmia with spasms | grand mal | petit mal"
    r" | temporal lobe seizure dis"
    r" | seizure disorder | infantile spasms? | landau | ohtahara",
    "R56": r"convulsi(?:ve disorder|ng\b) | febrile",
    "F44": r"psychogenic | pnes\b | nonepileptic | dissociative | conversion | functional seizures?"
    r" | pseudo-?seizures?",
    "R55": r"syncop | vasovagal | faint(?:ing|ed)\b",
    "R40": r"comatose | obtunded | unresponsive(?:ness)? (?:patient|state)\b | stuporous | somnolent | letharg"
    r" | loss of consciousness | altered awareness | staring spells?",
    "R41": r"altered mental | mental status | ams\b | confus(?:ion|ed|ional) | disoriented"
    r" | memory (?:loss|decline|problem)",
    "R44": r"hallucinat",
    "R47": r"aphas | dysarthr | dysphas | word-finding | slurred",
    "R26": r"gait\b | unsteadiness",
    "R42": r"dizz | vertigo | giddi",
    "G45": r"tias?\b | transient isch",
    "G47": r"(?:sleep )?apn(?:o)?e | osa\b | sleep[- ]disordered | narcolep | sleep-?walking | night terrors? | rbd\b",
    "G25": r"restless leg | myoclon(?:us|ic jerk) | essential tremor",
    "G30": r"alzheimer",
    "G31": r"lewy | bvftd | ftd\b | pick'?s disease | mci\b | neurodegenerat | corticobasal | progressive aphasia",
    "F01": r"dement | cognitive (?:decline|impairment|deficit)",
    "G20": r"parkinson | pd\b",
    "G12": r"amyotrophic | als\b | motor neuron",
    "G10": r"huntington",
    "G35": r"ms plaques? | demyelinat | neuromyelitis | adem\b",
    "G60": r"neuropath | guillain | cidp\b",
    "G71": r"myopath | dystroph | duchenne",
    "G80": r"palsy | spastic(?:ity)?\b",
    "G81": r"hemipar | hemipleg | weakness\b",
    "G82": r"parapar | tetra(?:par|pleg) | quadripar",
    "G91": r"hydroceph | vp shunt | ventriculoperitoneal | shunt\b",
    "G92": r"encephalopath | toxic[- /]metabolic | metabolic[- /]toxic | icans\b",
    "G93": r"cyst\b | cystic | hypoxi | anoxi | brain (?:damage|swelling|injury|death) | herniat"
    r" | midline shift | o?edema",
    "G00": r"meningit | meningoenceph | ventriculit",
    "G04": r"encephalit | cerebritis | myelitis | nmdar?\b | rasmussen",
    "A81": r"creutzfeldt | cjd\b | prion | sspe\b | panencephalitis | herpes | hsv\b | hsv-?1 | rabies | west nile",
    "G06": r"abscess | empyema",
    "I60": r"sah\b | subarachnoid",
    "I61": r"ha?emorrhag | ich\b | ivh\b | hematoma | haematoma | blee(?:d|ding)s?\b",
    "I62": r"sdh\b | subdural",
    "I63": r"stroke | infarct | cva\b | thrombo(?:sis|embol) | mca\b | isch(?:a)?emi | sinus thrombosis",
    "I65": r"carotid | vertebral | stenosis",
    "I67": r"aneurysm | arteriovenous | avm\b | cavernom | cavernous | moyamoya | vasculopath"
    r" | vasculit | posterior reversible"
    r" | small vessel | pres\b",
    "I69": r"cerebrovascular | sequela | encephalomalac | gliosis",
    "S06": r"(?:head|brain|intracranial) (?:injur|trauma) | tbi\b | trauma\b | concuss | contusion | skull",
    "C71": r"gliom | glioblastom | gbm\b | astrocytom | oligodendrogliom | ependymom | medulloblastom"
    r" | neoplas | tumou?r"
    r" | cancer | malignan | dnet\b | ganglioglioma | lymphom | craniotom | resection | lobectom | surg(?:ery|ical)",
    "C79": r"metasta | carcinom | melanom | leuk(?:a)?emi",
    "D32": r"meningiom",
    "Q85": r"tuberous | tsc\b | neurofibrom | nf-?[12]\b | sturge",
    "Q04": r"dysplasi | heterotopi | lissenceph | polymicrogyr | schizenceph | agenesis | holoprosenceph | malformation"
    r" | hemimegal | porenceph",
    "Q90": r"down(?:'s)? syndrome | trisomy",
    "E88": r"mitochondri | melas\b | merrf\b | leigh",
    "P91": r"hie\b | neonatal encephalopath | birth asphyx | asphyxia",
    "F70": r"intellectual dis | mental retard | learning disab",
    "F84": r"autis | asperger | rett\b | asd\b",
    "F80": r"language dis | speech (?:delay|dis) | developmental(?:ly)? (?:dis|delay)",
    "F90": r"adhd\b | add\b | attention[- ]deficit | hyperkinetic",
    "F95": r"tourette | tics?\b",
    "R62": r"delayed (?:development|milestone) | global delay | failure to thrive",
    "F05": r"deliri",
    "F10": r"alcohol | etoh\b | ethanol | intoxicat | withdrawal | wernicke | drinking",
    "F11": r"opioid | opiate | heroin | overdose",
    "F12": r"cannabis | marijuana | thc\b",
    "F14": r"cocaine | (?:meth)?amphetamine | methamfetamine | stimulant | substance (?:abuse|use)",
    "F20": r"schizo | psychos[ei]s | psychotic",
    "F31": r"bipolar | mania | manic",
    "F32": r"(?<!voltage )(?<!background )(?<!amplitude )depression\b(?! of) | depressive | depressed mood | suicid",
    "F41": r"anxi(?:ety|ous) | panic",
    "F42": r"ocd\b | obsessive",
    "F43": r"ptsd\b | post-?traumatic | traumatic stress | adjustment dis",
    "E11": r"diabet | dm2?\b | hyperglyc | hypoglyc | ketoacidosis",
    "I10": r"hypertens | htn\b",
    "I48": r"atrial | a-?fib\b | afib",
    "I46": r"cardiac arrest | (?:cardiac|pulseless) \w*arrest | arrest\b(?! of) | rosc\b | resuscitat"
    r" | asystol | hypotherm | ttm\b",
    "A41": r"sepsis | septic | bacter(?:a)?emia",
    "K72": r"hepatic | liver | cirrho | hyperammon",
    "N17": r"(?:renal|kidney) (?:failure|injury|disease|insuff) | aki\b | ur(?:a)?emi | renal | kidney",
    "N18": r"ckd\b | esrd\b | dialysis",
    "E87": r"hyponatr(?:a)?emi | hypernatr | electrolyte | osmolal",
    "J96": r"respiratory failure | intubated | ventilator(?:y)? (?:dependen|failure) | pneumonia | copd\b",
    "M17": r"osteoarthr | arthritis",
    "H25": r"cataract",
    "H52": r"myopia | hyperopia | refraction",
    "K21": r"reflux | gerd\b",
    "J30": r"rhinitis",
    "S52": r"fracture | forearm | radius",
    "N20": r"(?:kidney|renal|ureter\w*) (?:stone|calcul) | stones? (?:of|in) | nephrolith",
}
"""First characters of an ICD-10 code -> what reports write beside the title: synonyms, kinds, short forms."""

DRUGS = {
    "N03AX14": "keppra",
    "N03AB02": r"dilantin | phenytoin | [a-z]{2,}phenytoin | cerebyx",
    "N03AG01": r"valpro\w+ | depak\w+ | epilim | vpa\b",
    "N03AF01": "tegretol",
    "N03AF02": "trileptal",
    "N03AX09": "lamictal",
    "N03AX18": "vimpat",
    "N03AX11": "topamax",
    "N03AX15": "zonegran",
    "N03AA03": "mysoline",
    "N03AX12": "neurontin",
    "N03AX16": "lyrica",
    "N05BA09": "onfi | frisium",
    "N03AE01": "klonopin",
    "N05BA06": "ativan",
    "N05BA01": "valium",
    "N05CD08": "versed",
    "N05BA12": "xanax",
    "N01AX10": "diprivan",
    "N03AX23": "briviact",
    "N03AX22": "fycompa",
    "N03AX25": "xcopri",
    "N03AF03": "banzel",
    "N03AX10": "felbatol",
    "N03AD01": "zarontin",
    "N03AG04": "sabril | tiagabine | gabitril",
    "N03AX24": "epidiolex | stiripentol | fenfluramine | cbd\\b",
    "N03AA02": r"luminal | [a-z]{2,}(?:barb|barbital|barbitone)s?\b",
    "N05CM18": "precedex",
    "N05AD01": "haldol",
    "N05AH04": "seroquel",
    "N05AX08": r"risperd\w+",
    "N06AB06": "zoloft",
    "N06AB03": "prozac",
    "N06AX12": "wellbutrin",
    "N02BE01": "acetaminophen | tylenol",
    "N02BA01": r"aspirin | asa\b | acetylsalicyl\w+",
    "J05AB01": "acyclovir",
    "N06BA01": r"amphetamine | [a-z]{2,}amphetamine | adderall | ritalin",
    "N04BA02": r"levodopa | carbidopa | sinemet",
    "N04AC01": r"benztropine",
    "J06BA02": r"ivig\b | immunoglobulin",
    "H02AB": r"prednis\w+ | steroids? | hydrocortisone | [a-z]{2,}sone\b | [a-z]{2,}solone\b",
    "N05BA": r"benzodiazepines? | [a-z]{2,}(?:azepam|azolam)s?\b | benzos?\b",
    "N03A": r"anti-?(?:epileptic|convulsant|seizure) | [a-z]{2,}(?:azepine|racetam)s?\b | (?:aed|asm)s?\b",
    "N05A": r"neuroleptic\w* | antipsychotic\w* | [a-z]{2,}(?:zapine|idone|peridol)s?\b",
    "N06A": r"antidepress\w+ | [a-z]{2,}(?:triptyline|oxetine|alopram|faxine)s?\b | ssris?\b",
    "N01A": r"ana?esthe\w+ | isoflurane | sevoflurane | desflurane | pentothal",
    "N01BB": r"lidocaine | bupivacaine | [a-z]{2,}caine\b",
    "N05C": r"sedati\w+ | sedated | hypnotics? | zaleplon | eszopiclone",
    "N02A": r"opioids? | opiates? | codeine | [a-z]{2,}fentanil | oxycontin | dilaudid",
    "N02CC": r"[a-z]{2,}triptans?\b",
    "L01": r"chemotherap\w* | methotrexate | ifosfamide | cytarabine | fludarabine | cisplatin"
    r" | car-?t\b | [a-z]{2,}mab\b | [a-z]{2,}nib\b",
    "L04": r"tacrolimus | cyclosporine? | ciclosporin | mycophenolate | azathioprine | immunosuppress\w*",
    "J01": r"[a-z]{2,}(?:cillin|mycin|floxacin)s?\b | vancomycin | cef\w{3,} | [a-z]{2,}penem\b | antibiotics?",
    "C": r"[a-z]{2,}(?:pril|olol|sartan|dipine|statin)s?\b | amiodarone",
    "A02BC": r"[a-z]{2,}prazole | ppis?\b",
    "B01A": r"warfarin | heparin | apixaban | alteplase | tpa\b",
    "A10": r"insulin | metformin",
    "H03AA": r"levothyroxine | synthroid | thyrox\w+",
    "N06BC": r"caffeine",
}
"""First characters of an ATC code -> brands, other names, and the endings of its group beside the titles' own words."""
