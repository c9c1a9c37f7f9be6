"""Small templates, each one rendering of jinja2 in the environment of transformers."""

VARIABLES = {
    "word": "Hello",
    "text": "  the quick  brown\tfox\njumps ",
    "uni": "Grüße, 日本 🦊ß",
    "number": 42,
    "negative": -7,
    "real": 3.75,
    "zero": 0,
    "yes": True,
    "no": False,
    "nothing": None,
    "empty": "",
    "numbers": [3, 1, 2, 10, -5],
    "words": ["banana", "Apple", "cherry", "apple"],
    "mixed": [1, "a", None, True, 2.5, [1], {"k": "v"}],
    "nested": [[1, 2], [3, [4, 5]]],
    "people": [
        {"name": "Zoe", "age": 30, "city": {"name": "Rome"}},
        {"name": "adam", "age": 25, "city": {"name": "Oslo"}},
        {"name": "Bob", "age": 30, "city": {"name": "rome"}, "nick": "B"},
    ],
    "table": {"b": 1, "a": 2, "C": 3, "items": "shadowed", "x y": 4},
    "quotes": "it's \"quoted\" \\ \n \t \u0000 \u00a0 \u200b é",
    "html": "<a href=\"x\">'&'</a>",
    "lines": "one\n\n  two\r\nthree",
}

EXPRESSIONS = """
1 + 2 * 3
(1 + 2) * 3
7 // 2, -7 // 2, 7 // -2, 7.5 // 2, -7.5 // 2
7 % 3, -7 % 3, 7 % -3, 7.5 % 2, -7.5 % 2
7 / 2, 6 / 2, 1 / 3
2 ** 10, 2 ** -1, 2 ** 0.5, 2 ** 3 ** 2, -2 ** 2
1e3, 1.5e-7, 1e16, 1e15, 123456789.123456789, 1e22, 1e-5, 0.0001
0.1 + 0.2, 1.0, 100.0, -0.0, 1e300 * 1e10
0x1F, 0o17, 0b101, 1_000
True + 1, yes * 3, -yes, +yes
10 ** 18
1 / 0
1 // 0
1 % 0
0 ** -1
1.5 / 0
'a' + 'b', 'ab' * 3, 3 * 'ab', 'ab' * 0, 'ab' * -1
[1] + [2], [1, 2] * 2, (1,) + (2,)
'a' + 1
1 + 'a'
none + 1
[] + ()
'a' ~ 1 ~ none ~ true ~ [1] ~ undefined_name
1 ~ 2 * 3
1 == 1.0, 1 == True, 'a' == 'a', [1] == [1], {'a': 1} == {'a': 1.0}, none == none, 1 == '1', [1] == (1,)
1 != 2, 'a' != 'b', none != false
1 < 2 < 3, 1 < 3 < 2, 3 > 2 >= 2
'a' < 'b', 'a' < 'B', [1, 2] < [1, 3], (1,) < (1, 0), 'é' > 'z'
1 < 'a'
none < 1
[1] < (1,)
{} < {}
1 in [1, 2], 'a' in 'cat', 'x' not in 'cat', 'b' in table, 1 not in (2, 3), 2 in range(5)
1 in 5
1 in 'a1'
none in none
[1] in {'a': 1}
not 0, not '', not [], not {}, not none, not 'a', not undefined_name
1 and 2, 0 and 2, 0 or 'x', '' or none or 0, 1 or (1 / 0)
'yes' if 1 else 'no', 'yes' if 0 else 'no'
('x' if 0) is defined
1 if 0
1 if 0 else 2 if 0 else 3
number, real, yes, no, nothing, empty, word
numbers, words, mixed, nested, table
quotes
[quotes]
[uni, 'a\\'b', "a\\"b", 'a\\'b\\"c']
[html]
'\\x41\\u00e9\\U0001F98A\\n\\t\\101\\\\\\q'
"it's", 'say "hi"'
undefined_name
undefined_name.x
undefined_name['x']
undefined_name()
undefined_name + 1
undefined_name == undefined_name, undefined_name == none, undefined_name == ''
[undefined_name], {'k': undefined_name}
undefined_name|list, undefined_name|length, undefined_name|join(','), undefined_name|upper
-undefined_name
undefined_name < 1
undefined_name in [1]
1 in undefined_name
word.missing
word.missing.more
number.foo, nothing.foo, numbers.foo, table.foo
nothing.foo.bar
nothing['a'], number['a'], numbers['a'], numbers['0'], numbers[99], numbers[-1], numbers[-99]
nothing[0]
table.a, table['a'], table['x y'], table.get('a'), table.get('zz'), table.get('zz', 5), table.items is callable, table['items']
table.keys()|list, table.values()|list, table.items()|list
table.keys(), table.values(), table.items()
table.keys()|length, 'a' in table.keys(), 1 in table.values()
table.items()[0]
table.get()
table.pop('a')
table.update({})
table.pop, table.clear
numbers.append(1)
numbers.sort()
numbers.append is defined, numbers.append is callable
numbers.index(2), numbers.count(1), (1, 2, 1).count(1), (1, 2).index(2)
numbers.index(99)
numbers.copy(), table.copy()
word.__class__
word.__class__.__mro__
word.__class__ is defined
numbers[0], numbers[1:3], numbers[:-1], numbers[::-1], numbers[::2], numbers[3:1:-1], numbers[-2:], numbers[10:], numbers[:100]
word[0], word[-1], word[1:3], word[::-1], word[10:], word[5], uni[0:3], uni[-2], uni[::-1]
(1, 2, 3)[1:], (1, 2, 3)[0]
word[::0]
numbers['a':]
number[1:]
table[1:2]
undefined_name[1:]
numbers[none:none:none], numbers[true:]
numbers[1.0]
nested[1][1][0], nested.1.1.0
people.0.name, people[0].city.name, people[-1]['nick'], people[0].nick
range(3), range(1, 3)|list, range(5, 0, -2)|list, range(0)|list, range(3)|length, range(10)[2:8:3]|list, range(10)[-1]
range(3) == range(0, 3), range(10)[3]
range(0, 3, 0)
range('a')
range(1000000)
range()
dict(a=1, b=2), dict([('a', 1)]), dict({'x': 1}, y=2), dict()
dict(1)
{'a': 1, 'b': {'c': [1, 2]}}, {1: 'x', none: 'y', true: 'z', (1, 2): 3, 1.5: 4}
{'a': 1, 'a': 2}
{[]: 1}
{}, [], (), (1,), (1, 2), [()], 1, 
[1, 2,], {'a': 1,}, (1, 2,)
{1: 'a', 1.0: 'b', true: 'c'}
{1: 'a'}[1.0], {1: 'a'}[true], {'1': 'a'}[1]
word is string, number is string, number is number, real is number, yes is number, nothing is none
number is integer, yes is integer, real is float, number is float, yes is boolean, number is boolean
yes is true, no is false, number is true, 1 is true
numbers is sequence, word is sequence, table is sequence, number is sequence, range(2) is sequence
numbers is iterable, word is iterable, table is iterable, number is iterable, nothing is iterable, undefined_name is iterable
table is mapping, numbers is mapping, word is mapping
word is defined, undefined_name is defined, undefined_name is undefined, word.x is defined, nothing is defined
3 is odd, 4 is odd, 4 is even, 3 is even, -3 is odd, 2.0 is even, 2.5 is even
9 is divisibleby 3, 9 is divisibleby(2)
9 is divisibleby 0
'a' is odd
'abc' is lower, 'ABC' is lower, 'ABC' is upper, '123' is upper, 1 is lower, '' is lower
'a' is in 'abc', 1 is in [1], 1 is in [2]
1 is eq 1, 1 is equalto 2, 1 is ne 2, 1 is lt 2, 1 is lessthan 2, 2 is gt 1, 2 is greaterthan 3, 1 is le 1, 1 is ge 2
1 is sameas 1, none is sameas none, true is sameas true, true is sameas 1, 1 is sameas 1.0
'upper' is filter, 'nope' is filter, 'odd' is test, 'nope' is test, '==' is test
range is callable, word is callable, word.upper is callable, undefined_name is callable
'a'|safe is escaped, 'a' is escaped, 'a'|e is escaped
not word is number, word is not number, not 1 is odd
1 is odd is true
1 is nope
word is string and number is number or false
1|nope
'x'|upper|nope
1 if false else (1|string)
-5|abs, 5|abs, -5.5|abs, true|abs
'a'|abs
(-5)|abs, 3 - 5|abs
people[0]|attr('name'), word|attr('upper') is callable, word|attr('nope') is defined, people[0]|attr('items') is defined
[1, 2, 3, 4, 5]|batch(2)|list, [1, 2, 3]|batch(2, 'x')|list, []|batch(3)|list, 'abcd'|batch(3)|list
[1]|batch
word|capitalize, 'hELLO wORLD'|capitalize, ''|capitalize, 'ßa'|capitalize, 5|capitalize, 'ǆa'|capitalize
['x'|center(5), 'ab'|center(5), 'abc'|center(6), 'long'|center(2), word|center|length]
undefined_name|default('d'), undefined_name|d('d'), ''|default('d'), ''|default('d', true), none|default('d'), none|d('d', boolean=true), 0|d(5, true), undefined_name|default
undefined_name.x|default('d')
word.missing|default('d'), table.zz|d(default_value=3)
table|dictsort, table|dictsort(true), table|dictsort(reverse=true), {'b': 2, 'a': 3, 'C': 1}|dictsort(false, 'value'), {'b': 1, 'a': 2}|dictsort(by='value')
table|dictsort(false, 'value')
{1: 1, 'a': 2}|dictsort
{'b': 1}|dictsort(by='x')
html|e, html|escape, 5|e, none|e, html|e|e, html|forceescape, html|e|forceescape
('<'|safe) + '<', '<' + ('<'|safe), ('<'|safe) ~ '<', ('<'|safe) * 2, ('<'|safe) + ('>'|safe)
'<%s>'|safe|format('<'), ('<%s>'|safe) % '<', ('{}'|safe).format('<'), (','|safe).join(['<', '>'|safe])
[('a'|safe), ('b'|e)]
('a<'|safe)|upper, ('a<'|safe).upper() + '<', ('a,<'|safe).split(',')[1] + '<', ('ab'|safe)[0] + '<', ('ab'|safe)|replace('a', '<') + '<'
(none|safe) + '<'
numbers|first, []|first is defined, word|first, table|first, ''|first, range(3)|first, numbers|map('abs')|first
5|first
'3.5'|float, '3'|float, 'x'|float, 'x'|float(1.5), none|float, true|float, ' 1e3 '|float, 'inf'|float, '-1_0.5'|float, ''|float(default=2), [1]|float, 'nan'|float, '1e400'|float
undefined_name|float
'%s-%d-%05.2f'|format('a', 5, 2.5), '%(a)s'|format(a=1), '%%'|format, '%r %x %X %o %e %g'|format('q', 255, 255, 8, 12345.678, 0.00001)
'%s'|format
'%d'|format('a')
'%s %s'|format('a')
'%s'|format('a', 'b')
'%s'|format('a', b=1)
people|groupby('age')|list, people|groupby('city.name')|map('first')|list, people|groupby('nick', default='-')|map(attribute='grouper')|list
people|groupby('city.name', case_sensitive=true)|map(attribute='list')|map('length')|list
people|groupby('nick')
lines|indent, lines|indent(2, true), lines|indent(2, blank=true), lines|indent('> '), ''|indent, 'a\\n'|indent, lines|indent(width=1, first=true, blank=true)
5|indent
'42'|int, '42.9'|int, 'x'|int, 'x'|int(7), none|int, true|int, 3.99|int, -3.99|int, ' 12 '|int, '1_000'|int, '0x1F'|int(0, 16), '1F'|int(base=16), '0b11'|int(0, 2), '0x1F'|int, ''|int, '+5'|int, '-5'|int, '1e3'|int, [1]|int
'inf'|int, 'nan'|int
undefined_name|int
numbers|join, numbers|join(', '), words|join('-'), people|join(', ', attribute='name'), []|join(','), word|join('.'), [1, none, true]|join('|'), table|join(',')
5|join
numbers|last, []|last is defined, word|last, range(3)|last, table|last
numbers|map('abs')|last
none|last
numbers|length, word|length, uni|length, table|length, ''|count, (1, 2)|count, table.items()|length
5|length
none|length
numbers|map('abs')|length
word|list, table|list, range(3)|list, (1, 2)|list, numbers|map('string')|list, uni|list
5|list
'ÀB'|lower, 5|lower, none|lower, 'ΑΣ'|lower, 'ΣΑΣ Σ'|lower, 'İ'|lower|length
table|items|list, undefined_name|items|list, {}|items|list
5|items|list
people|map(attribute='name')|list, people|map(attribute='nick', default='?')|list, people|map(attribute='city.name')|list, words|map('upper')|list, ['a b']|map('replace', ' ', '-')|list, nested|map('first')|list, nested|map(attribute=0)|list
people|map(attribute='nick')|list
people|map('nope')|list
numbers|map|list
[]|map('nope')|list
people|map(attribute='name', bad=1)|list
numbers|max, numbers|min, words|max, words|min, words|min(true), []|max is defined, people|max(attribute='age'), people|min(attribute='name'), word|max
[1, 'a']|max
5|max
numbers|select('odd')|list, numbers|reject('odd')|list, numbers|select|list, [0, 1, '', 'a', none]|select|list, [0, 1]|reject|list, numbers|select('gt', 2)|list, numbers|select('in', [1, 2])|list
numbers|select('nope')|list
people|selectattr('nick')|list|length, people|selectattr('age', 'eq', 30)|map(attribute='name')|list, people|rejectattr('age', 'equalto', 30)|map(attribute='name')|list, people|selectattr('nick', 'defined')|map(attribute='name')|list, people|selectattr('city.name', '==', 'Rome')|list|length
people|selectattr|list
'a-b-c'|replace('-', '+'), 'aaa'|replace('a', 'b', 2), 'abc'|replace('', '.'), 123|replace(2, 'x'), 'aXa'|replace('X', none)
'a'|replace('a')
numbers|reverse|list, word|reverse, uni|reverse, table|reverse|list, (1, 2)|reverse|list, range(3)|reverse|list
5|reverse
2.5|round, 3.5|round, 2.675|round(2), -2.5|round, 42|round, 42.55|round(1, 'floor'), 42.55|round(1, 'ceil'), 1234.5|round(-2), 1e20|round, 5|round(-1), 15|round(-1), 25|round(-1), 0.5|round|int, 42|round(0, 'ceil'), 1.005|round(2)
2.5|round(1, 'x')
'a'|round
[1, 2, 3, 4, 5, 6, 7]|slice(3)|list, [1, 2, 3, 4]|slice(3, 'x')|list, []|slice(2)|list
[1]|slice(0)|list
numbers|sort, numbers|sort(true), words|sort, words|sort(case_sensitive=true), words|sort(reverse=true), people|sort(attribute='age')|map(attribute='name')|list, people|sort(attribute='age,name')|map(attribute='name')|list, people|sort(attribute='city.name', case_sensitive=true)|map(attribute='name')|list, 'bca'|sort, table|sort, nested|sort
mixed|sort
5|sort
people|sort
people|sort(attribute='nick')
5|string, none|string, 1.0|string ~ 'x', [1]|string|length, undefined_name|string
numbers|sum, []|sum, people|sum(attribute='age'), numbers|sum(start=100), [1.5, 2]|sum, [[1], [2]]|sum(start=[]), [true, true]|sum
['a']|sum
['a', 'b']|sum(start='')
'hello world-foo (bar) [baz] <q> it\\'s'|title, 'ÉCOLE ǆ'|title, 5|title, 'a\\tb\\nc'|title, '12ab'|title
table|tojson, mixed|tojson, word|tojson, uni|tojson, quotes|tojson, html|tojson, none|tojson, 1.0|tojson, 1e100|tojson, [1e-7, 1e16, -0.0]|tojson, (1, 2)|tojson, {}|tojson, []|tojson, 'ü'|tojson(ensure_ascii=true), '🦊'|tojson(true)
table|tojson(indent=2), mixed|tojson(indent=4), []|tojson(indent=2), {}|tojson(indent=2), nested|tojson(indent=0), nested|tojson(indent='--')
table|tojson(separators=(',', ':')), table|tojson(sort_keys=true), nested|tojson(indent=1, separators=(', ', '=')), {1: 2, none: 3, true: 4, 1.5: 5}|tojson
undefined_name|tojson
[undefined_name]|tojson
{(1, 2): 3}|tojson
range(3)|tojson
numbers|map('abs')|tojson
{1: 2, 'a': 3}|tojson(sort_keys=true)
('<'|safe)|tojson, 'inf'|float|tojson, 'nan'|float|tojson
word.upper|tojson
text|trim, 'xxaxx'|trim('x'), 5|trim, '\\u00a0 a\\u2003'|trim, text|trim|length, 'abcba'|trim('ab')
'foo bar baz qux'|truncate(9), 'foo bar baz qux'|truncate(9, true), 'foo bar baz qux'|truncate(11), 'foo bar baz qux'|truncate(11, false, '...', 0), 'foo bar baz'|truncate(5, end='', leeway=0), uni|truncate(5, true, '…', 0)
'foo bar'|truncate(2)
5|truncate
[1, 1, 2, 1.0, true, 'a', 'A']|unique|list, words|unique|list, words|unique(true)|list, people|unique(attribute='age')|map(attribute='name')|list
[[1]]|unique|list
'straße'|upper, 5|upper, uni|upper, 'ŉ ﬁ'|upper
'a b/c?&=é'|urlencode, {'a': 1, 'b c': 'd&/'}|urlencode, [('x', 'y z')]|urlencode, 5|urlencode, '~_-.'|urlencode
[1]|urlencode
'hello world, foo_bar it\\'s ñandú 12'|wordcount, ''|wordcount, 5|wordcount
'a'|upper()|lower, 'a'|upper|lower|length
word|upper(1)
word|replace('l', 'L', count=1), word|replace(new='x', old='l')
word|replace('l', 'L', bad=1)
'a,b,,c'.split(','), 'a b  c'.split(), 'a,b,c'.split(',', 1), '  a b '.split(none, 1), ''.split(), ''.split(','), 'aXXbXXc'.split('XX'), 'a b c'.split(maxsplit=1), uni.split(' ')
'a'.split('')
'a,b,c'.rsplit(',', 1), ' a b c '.rsplit(none, 1), ' a b c '.rsplit(), 'abc'.rsplit('x'), 'a,b,c'.rsplit(',', 5), 'a b c'.rsplit(maxsplit=2)
lines.splitlines(), lines.splitlines(true), ''.splitlines(), 'a\\x0bb\\x0cc\\x1cd\\x85e\\u2028f'.splitlines(), 'a\\n\\n'.splitlines()
text.strip(), text.lstrip(), text.rstrip(), 'xyax'.strip('xy'), 'xyax'.lstrip('xy'), 'xyax'.rstrip('xy'), 'a'.strip(''), '\\x1c\\u3000a\\x85'.strip(), text.strip(none)
'abc'.startswith('a'), 'abc'.startswith(('x', 'a')), 'abc'.startswith('b', 1), 'abc'.endswith('c'), 'abc'.endswith(('x', 'y')), 'abc'.endswith('b', 0, 2), 'abc'.startswith(''), 'abc'.startswith('', 9)
'abc'.startswith(['a'])
'abc'.startswith(1)
'abc'.startswith()
'hello'.find('l'), 'hello'.find('z'), 'hello'.rfind('l'), 'hello'.index('l'), 'hello'.rindex('l'), 'hello'.find('l', 3), 'hello'.find('l', -1), uni.find('日'), uni.rfind('ß'), 'abc'.find(''), 'abc'.find('', 4), 'hello'.find('o', 0, 4)
'abc'.index('z')
'hello'.count('l'), 'aaa'.count('aa'), 'abc'.count(''), 'hello'.count('l', 3), 'hello'.count('x')
'hello'.replace('l', 'L'), 'hello'.replace('l', 'L', 1), 'abc'.replace('', '-'), 'abc'.replace('', '-', 2), 'é日'.replace('', '.')
'hello'.replace('l')
'hello'.replace('l', 1)
'-'.join(['a', 'b']), ''.join('abc'), ', '.join(table), ','.join(words|map('upper'))
'-'.join([1])
'-'.join(5)
'abc'.upper(), 'ABC'.lower(), 'hello wORLD it\\'s'.title(), 'hELLO'.capitalize(), 'aBc'.swapcase(), 'ǆ'.title()
'7'.zfill(3), '-7'.zfill(4), 'abc'.zfill(2), '+7'.zfill(4), ''.zfill(2)
'a'.center(4, '*'), 'ab'.center(5, '*'), 'a'.ljust(3) ~ '|', 'a'.rjust(3, '.'), 'abc'.center(2)
'a'.center(4, 'xx')
'123'.isdigit(), '12a'.isdigit(), ''.isdigit(), '²'.isdigit(), '²'.isdecimal(), '½'.isnumeric(), 'abc'.isalpha(), 'ab1'.isalpha(), 'ab1'.isalnum(), ' \\t'.isspace(), ''.isspace(), 'é'.isalpha(), '日本'.isalpha()
'abc'.islower(), 'ABC'.isupper(), 'Abc Def'.istitle(), 'abc'.isascii(), 'é'.isascii(), 'a\\n'.isprintable(), 'ab'.isprintable(), 'a1'.isidentifier(), '1a'.isidentifier(), '123'.islower(), 'a1'.islower()
'prefix-x'.removeprefix('prefix-'), 'x.txt'.removesuffix('.txt'), 'x'.removeprefix('y'), 'x'.removesuffix('')
'a=b=c'.partition('='), 'abc'.partition('='), 'a=b=c'.rpartition('='), 'abc'.rpartition('=')
'a'.partition('')
'{} {}'.format(1, 'a'), '{0} {1} {0}'.format('x', 'y'), '{a}'.format(a=1), '{:>5}|{:<5}|{:^5}'.format('a', 'b', 'c'), '{:05d} {:.2f} {:x} {:,}'.format(42, 3.14159, 255, 1234567), '{{}}'.format(), '{a[b]} {a[b]!r}'.format(a={'b': 'v'}), '{:*^9}'.format('mid'), '{:+d} {: d} {:e} {:g} {:%}'.format(5, 5, 12345.678, 0.0001, 0.25), '{:{w}}|'.format('x', w=4), '{0.name}'.format(people[0])
'{:.3}'.format('abcdef'), '{:#x} {:#b} {:o}'.format(255, 5, 8), '{:_}'.format(1000000), '{:.3} {:}'.format(3.14159, 2.0), '{!s:>4}'.format(5), '{:d}'.format(true), '{}'.format(true), '{:>6.1f}'.format(2.25)
'{}'.format()
'{a}'.format()
'{'.format()
'}'.format()
'{:d}'.format('a')
'{:s}'.format(5)
'{} {0}'.format(1)
'{.__class__}'.format(1)
'{a}'.format_map({'a': 1})
'%s' % 'a', '%s %s' % (1, 2), '%d' % 3.7, '%5s|%-5s|' % ('a', 'b'), '%(k)s' % {'k': 1}, '%.1f' % 2.25, '%c' % 65, '%i' % 5, '%05d' % -42, '%+d' % 5, '%x' % 255, '%#x' % 255, '%s' % none, '%s' % [1], '%%' % (), '%.2s' % 'abc', '%*d' % (5, 42), '%e' % 12345.678, '%g' % 1e10
'%s' % (1, 2)
'%s %s' % 1
'%d' % 'x'
'%q' % 1
'%' % 1
'abc'.nope()
'abc'['upper']()
5.upper()
number()
word()
raise_exception('stop')
strftime_now('%Y-%m-%d'), strftime_now('%d %b %Y'), strftime_now('%B %d, %Y'), strftime_now('%A %a %j %m %y %%')
namespace(a=1).a, namespace({'b': 2}).b, namespace().x is defined, namespace(a=1)
namespace(_a=1)
cycler('a', 'b').next(), cycler('a', 'b').current
cycler()
joiner()() ~ joiner()()
joiner('; ')() == ''
range(*[1, 4])|list, dict(**{'a': 1}), '{}{}'.format(*['a', 'b']), '{x}'.format(**{'x': 1})
range(*5)
dict(**[1])
dict(a=1, a=2)
range(1, a=2)
(1, 2)|length, (1, 2) == (1, 2), ()|length
'a' 'b' "c"
1.5.real
1 2
(1
[1, 2
{'a' 1}
'abc
1 +
* 2
a..b
a[
a.
a|
@
1 ! 2
$x
a is
{{ 1 }}
none.x.y
true.x
(lambda x: x)
[x for x in y]
_private, __dunder
loop
loop.index
super()
caller()
varargs
word.upper().lower().title()[1:].replace('l', 'L')|length
words|map('length')|select('gt', 5)|list|length > 0 and 'some' or 'none'
(numbers|sort)[-1], (words|first).upper(), (table|dictsort)[0][1]
{'a': [1, {'b': (1, none)}]}['a'][1].b[0]
nested|map('join', '-')|join('+')
-number|abs, (-3.5)|round|int, 7 - -3, 7--3, not not 1, - - 3
1.0 // 1, 2.0 ** 3, 5 // 2.0, 5 % 2.5, 1e308 * 10, -1e308 * 10
1_0.5, .5
5.
1.e5
0777
00, 0_0
'a' in ['a'] and 'b' not in ['a'] and not 'c' in ['a']
1 if yes and not no else 2, (1 if no else 2) + 1
numbers|select('lessthan', 3)|map('string')|join('/')
"tab\\there", 'new\\nline', 'null\\x00', 'uni\\u2028'|tojson
'日本'|length, '日本'[1], '🦊a'[1], '👩‍👩‍👧'|length, 'é'|length
'z' > 'é', '🦊' > '日', ['é', 'z', 'e']|sort
(1).__class__ is defined, 1 .real
"{" ~ "}" ~ "{{" ~ '%}'
""" 

STATEMENTS = [
    "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
    "{% if yes %}a{% endif %}|{% if no %}a{% else %}b{% endif %}|{% if no %}a{% elif number == 42 %}c{% else %}d{% endif %}",
    "{% if no %}{% elif no %}{% elif yes %}x{% endif %}",
    "{% if undefined_name %}a{% else %}b{% endif %}",
    "{% for x in numbers %}{{ x }},{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}",
    "{% for x in undefined_name %}a{% else %}none{% endfor %}",
    "{% for x in nothing %}a{% endfor %}",
    "{% for x in 5 %}a{% endfor %}",
    "{% for c in uni %}[{{ c }}]{% endfor %}",
    "{% for k in table %}{{ k }}{% endfor %}|{% for k, v in table.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in table|items %}{{ k }}={{ v }};{% endfor %}|{% for k, v in table|dictsort %}{{ k }}{% endfor %}",
    "{% for a, b in [(1, 2), [3, 4], 'xy'] %}{{ a }}{{ b }};{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for x in numbers if x > 1 %}{{ x }}:{{ loop.index }}/{{ loop.length }} {% endfor %}",
    "{% for x in numbers if x > 100 %}a{% else %}none{% endfor %}",
    "{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "{% for x in numbers %}{{ loop.previtem }}<{{ x }}<{{ loop.nextitem }};{% endfor %}",
    "{% for x in numbers %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }};{% endfor %}",
    "{% for x in numbers|map('abs') %}{{ loop.last }}{{ loop.nextitem|d('-') }}{{ loop.length }}{{ loop.revindex }};{% endfor %}",
    "{% for x in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }}{% endfor %}",
    "{% for x in numbers %}{{ loop.cycle() }}{% endfor %}",
    "{% for x in numbers %}{{ loop.nope }}{{ loop.nope is defined }}{% endfor %}",
    "{% for x in [1, 2] %}{% for y in [3, 4] %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }};{% endfor %}",
    "{% for x in [1, 2] %}{% set outer = loop %}{% for y in [3, 4] %}{{ outer.index }}.{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for x in [[1, [2]], [3]] recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}",
    "{% for x in [1] %}{{ loop([1]) }}{% endfor %}",
    "{% for x in numbers %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}!",
    "{% for x in numbers %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}!",
    "{% for x in numbers %}{% for y in numbers %}{% break %}{% endfor %}{{ x }}{% endfor %}",
    "{% for x in numbers %}{% break %}{% else %}e{% endfor %}",
    "{% for x in numbers %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{{ y }}{% set y = i %}{{ y }}{% endfor %}{{ y }}",
    "{% set x = 1 %}{% if yes %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set ns = namespace(n=0) %}{% for i in numbers %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = [ns.a] %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}",
    "{% set x = {} %}{% set x.a = 1 %}",
    "{% set ns = namespace() %}{% set ns._a = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a, b = [1, 2] %}{{ b }}{{ a }}",
    "{% set a = 1, 2 %}{{ a }}",
    "{% set a, b = 1 %}",
    "{% set a, b = [1] %}",
    "{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}",
    "{% set t %}a{{ number }}b{% endset %}{{ t|upper }}",
    "{% set t | upper | replace('A', 'x') %}abc{% endset %}{{ t }}",
    "{% set t %}{% set inner = 1 %}{% endset %}{{ inner is defined }}",
    "{% set ns = namespace() %}{% set ns.t %}block{% endset %}{{ ns.t }}",
    "{% set x = y %}{{ x is defined }}",
    "{% set range = 5 %}{{ range }}",
    "{% set none = 1 %}",
    "{% set 1 = 1 %}",
    "{% set word = word ~ '!' %}{{ word }}",
    "{% if yes %}{% set fresh = 1 %}{% endif %}{{ fresh }}",
    "{% if no %}{% set fresh = 1 %}{% endif %}{{ fresh is defined }}",
    "{% if no %}{% set word = 1 %}{% endif %}{{ word }}",
    "{% macro f(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, 3) }}{{ f(1, c='z') }}{{ f(a=5, b=6) }}{{ f() }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=2) }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}{{ f() }}",
    "{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}",
    "{% macro f(a=1, b) %}{{ a }}{{ b }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f() %}{{ word }}{{ later }}{% endmacro %}{% set later = 1 %}{{ f() }}",
    "{% macro f() %}{% set leak = 1 %}{% endmacro %}{{ f() }}{{ leak is defined }}",
    "{% for x in [1, 2] %}{% macro f() %}{{ x }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% macro outer() %}{% macro inner(a) %}<{{ a }}>{% endmacro %}{{ inner(1) }}{% endmacro %}{{ outer() }}",
    "{% macro f() %}  x  {% endmacro %}[{{ f()|trim }}]{{ f() is string }}{{ f is callable }}{{ f.name }}",
    "{% macro f() -%}  x  {%- endmacro %}[{{ f() }}]",
    "{% macro wrap() %}<{{ caller() }}>{% endmacro %}{% call wrap() %}in{{ number }}{% endcall %}",
    "{% macro wrap() %}<{{ caller(1, b=2) }}>{% endmacro %}{% call(a, b) wrap() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro wrap() %}{% if caller is defined %}{{ caller() }}{% else %}none{% endif %}{% endmacro %}{{ wrap() }}{% call wrap() %}x{% endcall %}",
    "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}",
    "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}",
    "{% call undefined_name() %}y{% endcall %}",
    "{% filter upper %}abc{{ word }}{% endfilter %}",
    "{% filter replace('a', 'b')|upper %}banana{% endfilter %}",
    "{% filter indent(2) %}a\nb{% endfilter %}",
    "{% filter nope %}a{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
    "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z is defined }}",
    "{% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% endwith %}",
    "{% with word = word|upper %}{{ word }}{% endwith %}{{ word }}",
    "{% raw %}{{ x }}{% if %}{# c #}{% endraw %}|{%- raw -%} {{ y }} {%- endraw -%} z",
    "{# comment #}a{#- c -#} b {# {{ x }} #}",
    "a {#- strip -#} b",
    "{% generation %}gen{{ number }}{% endgeneration %}",
    "a{% generation %}{% set inside = 1 %}b{% endgeneration %}{{ inside is defined }}",
    "{% for m in [1, 2] %}{%- generation -%} {{ m }} {%- endgeneration -%}{% endfor %}",
    "{% print 1, 2 %}",
    "{% print word %}",
    "a\n{% if yes %}\nb\n{% endif %}\nc\n",
    "a\n  {% if yes %}\n  b\n  {% endif %}\n  c",
    "a\n  {%+ if yes %}\n  b\n  {%+ endif %}\n  c",
    "a\n  {% if yes +%}\n  b\n  {% endif +%}\n  c",
    "a\n  {%- if yes -%}\n  b\n  {%- endif -%}\n  c",
    "a\n  {{ number }}\n  {{- number -}}\n  b",
    "  {# c #}\nx  {# c #}\n  y",
    "x {% if yes %} y {% endif %} z",
    "\n\n{% set a = 1 %}\n\n{{ a }}\n\n",
    "{{ 1 }}\n{{ 2 }}\n",
    "{% for x in [1, 2] %}\n{{ x }}\n{% endfor %}\n",
    "{% for x in [1, 2] -%}\n  {{ x }}\n{%- endfor %}\n",
    "\t{% if yes %}a{% endif %}\t\n",
    "a\r\nb\rc\n{% if yes %}\r\nd{% endif %}",
    "{{ 'a\nb' }}",
    "{{- 'x' -}} y {{- 'z' }}",
    "{{ '{{' }}{{ '}}' }}{{ \"{%\" }}",
    "{{ {'a': {'b': 1}} }}{{ {'a': {'b': 1}}}}",
    "{{ [[1]]}}",
    "{%if yes%}a{%endif%}{%-if yes-%}b{%-endif-%}",
    "{% if yes %}{% else %}{% endif %}x",
    "{% set x = [1,\n 2,\n 3] %}{{ x }}",
    "{{\n1\n+\n2\n}}",
    "{% if (yes\n and no) %}a{% else %}b{% endif %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}",
    "{% set j = joiner('|') %}{% for x in numbers %}{{ j() }}{{ x }}{% endfor %}",
    "{% set it = numbers|map('abs') %}{{ it|list }}{{ it|list }}",
    "{% set it = table.items() %}{{ it|list|length }}{{ it|list|length }}",
    "{% set ns = namespace(items=[]) %}{% for x in numbers %}{% set ns.items = ns.items + [x * 2] %}{% endfor %}{{ ns.items }}",
    "{% for m in people %}{{ '<' + m.name + '>' }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in range(3) %}{% for x in range(x) %}{{ x }}{% endfor %}|{{ x }};{% endfor %}",
    "{% set loop = 5 %}{% for x in [1] %}{{ loop.index }}{% endfor %}{{ loop }}",
    "{% for x in people|sort(attribute='name') %}{{ x.name }}{{ loop.index }}{% endfor %}",
    "{% for g in people|groupby('age') %}{{ g.grouper }}:{{ g.list|map(attribute='name')|join('+') }};{% endfor %}",
    "{% for age, items in people|groupby('age') %}{{ age }}:{{ items|length }};{% endfor %}",
    "{% for x in [1, 2, 3][::-1] %}{{ x }}{% endfor %}{% for x in numbers|reverse %}{{ x }}{% endfor %}",
    "{% if word is defined and word is string %}{{ word }}{% endif %}",
    "{% if 'a' in table and table.a == 2 %}x{% endif %}",
    "{{ raise_exception('message with ' ~ word) }}",
    "{% if no %}{{ raise_exception('x') }}{% endif %}ok",
    "{% if no %}{{ 1|nope }}{% endif %}ok",
    "{% if no %}{% if x is nope %}{% endif %}{% endif %}ok",
    "{% for x in [] %}{{ 1|nope }}{% endfor %}ok",
    "{{ 1|nope if no else 'ok' }}",
    "{% set x = 1|nope %}",
    "{% if yes %}",
    "{% endif %}",
    "{% for x in y %}",
    "{% for x y %}{% endfor %}",
    "{% for in y %}{% endfor %}",
    "{% for x in numbers %}{% endif %}",
    "{% if %}{% endif %}",
    "{% nope %}",
    "{% %}",
    "{{ }}",
    "{{ 1",
    "{% if 1",
    "{# open",
    "{% raw %}x",
    "{{ 1 %}",
    "{% if 1 }}",
    "}} %} #}",
    "{ { } }",
    "{{ 'a' }",
    "{% break %}",
    "{% macro f( %}{% endmacro %}",
    "{% macro f(1) %}{% endmacro %}",
    "{% macro %}{% endmacro %}",
    "{% set x %}",
    "{% set %}",
    "{% else %}",
    "{% generation %}",
    "{% elif %}",
    "{% if yes %}a{% else %}b{% else %}c{% endif %}",
    "{% for x in numbers %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{% import 'x' as y %}",
    "{% for x in numbers %}{{ x }}{% endfor x %}",
    "{% with a %}{% endwith %}",
    "{% filter %}{% endfilter %}",
    "{% call %}{% endcall %}",
    "{% call 1 %}{% endcall %}",
    "{% set a = 1 b %}",
    "{{ f(a=1, 2) }}",
    "{{ f(**a, 1) }}",
    "{{ word }} {{ numbers[0] }} {{ people[0]['city'].name }}",
    "{%- set system = '' -%}{%- for m in people -%}{%- if loop.first -%}{%- set system = m.name -%}{%- endif -%}{%- endfor -%}[{{ system }}]",
    "{% set a = [] %}{% set a = a + [1] %}{% if a %}{{ a[-1] }}{% endif %}",
    "{% macro r(s, d=0) %}{{ '  ' * d }}{{ s.name }}\n{% for c in s.children or [] %}{{ r(c, d + 1) }}{% endfor %}{% endmacro %}{{ r({'name': 'a', 'children': [{'name': 'b'}, {'name': 'c', 'children': [{'name': 'd'}]}]}) }}",
    "{% macro t(p) %}{% if p.type == 'object' %}{ {% for k, v in p.properties.items() %}{{ k }}: {{ t(v) }}{{ ', ' if not loop.last }}{% endfor %} }{% else %}{{ p.type }}{% endif %}{% endmacro %}{{ t({'type': 'object', 'properties': {'a': {'type': 'int'}, 'b': {'type': 'object', 'properties': {}}}}) }}",
    "{{ 'x' if yes }}{{ 'y' if no }}",
    "{% set x = 'a' if no %}{{ x is defined }}",
    "{% for x in numbers if loop.index > 1 %}{{ x }}{% endfor %}",
    "{{ loop is defined }}{% for x in [1] %}{{ loop is defined }}{% endfor %}",
    "{% for i in range(2) %}{% set f = i %}{% endfor %}{{ f|d('unset') }}",
    "{% for x in table.items() %}{{ x[0] }}{{ x.1 }}{% endfor %}",
    "{% for c in 'a\u0301b' %}({{ c }}){% endfor %}",
    "{% do 1 %}",
    "{% trans %}x{% endtrans %}",
    "{% set x = 5 -%}   {{ x }}   {%- set y = 6 %}   {{ y }}",
    "line1\n\n{%- if yes %}\n\n  line2{% endif -%}\n\nline3",
]


def all_sources():
    lines = [line for line in EXPRESSIONS.replace("\\\\", "\\").split("\n") if line.strip()]
    # Each part of a line that is a tuple is printed on its own, so that one failure hides no other.
    for line in lines:
        yield "{{ " + line + " }}"
    yield from STATEMENTS
