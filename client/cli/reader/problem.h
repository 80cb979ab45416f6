/* What is wrong with a row that is refused before it is sent, and what to do about it, in two languages.
 * What the daemon would refuse for the same reason carries the daemon's own code and text. */
#ifndef TALLY_CLIENT_CLI_READER_PROBLEM_H
#define TALLY_CLIENT_CLI_READER_PROBLEM_H

#include <stddef.h>

#include "client/cli/language.h"
#include "client/cli/reader/header.h"
#include "client/cli/reader/slice.h"
#include "proto/refusal.h"

/* X(constant, English, Chinese) */
#define PROBLEM_TABLE(X) \
    X(EMPTY, "is empty; fill it in, with 0 where there is none", "为空;请填写,没有则填 0") \
    X(EXPONENT, \
      "is in exponent form: a spreadsheet has lost its last digits; set the column to text (or number), enter the " \
      "value " \
      "again and export", \
      "是科学计数法:电子表格已丢失末尾数字;请把该列设为文本(或数值)格式,重新填写后导出") \
    X(FULL_WIDTH, "has full-width digits; write them in half width: 0123456789", "含全角数字;请改为半角:0123456789") \
    X(SEPARATOR, "has thousands separators; remove them", "含千位分隔符;请去掉") \
    X(CODE_ROUNDED, \
      "has more than 15 digits and ends in zeros: a spreadsheet may have rounded it; set the column to text and " \
      "enter the " \
      "code again, or push with --short-codes if it is right", \
      "超过 15 位且末尾全为 0:电子表格可能已将其舍入;请把该列设为文本格式,重新填写代码;若代码无误,请加 --short-codes " \
      "推送") \
    X(CODE_SHORT, \
      "has fewer digits than the other codes of this file: leading zeros may be lost; set the column to text and " \
      "enter " \
      "the code again, or push with --short-codes if it is right", \
      "位数少于本文件其他代码:可能丢失了前导零;请把该列设为文本格式,重新填写代码;若代码无误,请加 --short-codes 推送") \
    X(CODE_GROUPS, \
      "does not have the groups 4-6-2-2-6 of a registered code: digits are lost; enter the code again as text", \
      "不符合项目代码 4-6-2-2-6 的分组:有数字丢失;请以文本格式重新填写代码") \
    X(CODE_NOTATION, \
      "is a text mark, a formula, an error value or a date of a spreadsheet, not a code; set the column to text and " \
      "enter " \
      "the code again", \
      "是电子表格的文本标记、公式、错误值或日期,不是项目代码;请把该列设为文本格式,重新填写代码") \
    X(REGION_DIGITS, \
      "does not have six digits: zeros or digits are lost; write the full GB/T 2260 code, such as 330106", \
      "不是六位数字:丢失了零或其他数字;请填写完整的六位行政区划代码,如 330106") \
    X(REGION_NAME, "is not a code; write the six-digit GB/T 2260 code, such as 330106", \
      "不是代码;请填写六位行政区划代码,如 330106") \
    X(NOT_NUMBER, "is not a number; write digits only, the unit belongs into the column's name", \
      "不是数字;请只写数字,单位写在列名里") \
    X(NOT_WHOLE, "is not a whole number; heads are counted whole", "不是整数;人数须为整数") \
    X(TOO_LARGE, "is too large; check the column and its unit", "过大;请检查该列及其单位") \
    X(TOO_FINE, "is finer than a fen (0.01 yuan); cut it", "小于一分(0.01 元);请舍去多余小数") \
    X(DATE, "is not a date; write it like 2021-10-28", "不是日期;请写成 2021-10-28 的样式") \
    X(DATE_SERIAL, "is the number by which a spreadsheet counts days; set the column to date and export again", \
      "是电子表格的日期序号;请把该列设为日期格式后重新导出") \
    X(QUOTE_OPEN, "a quote that opens in this row is never closed, so no row below it could be read; close it", \
      "本行的引号没有闭合,其下各行无法读取;请补上引号") \
    X(QUOTE_STRAY, "text follows a closing quote; put the whole cell between quotes and double those within it", \
      "引号闭合后还有文字;请把整个单元格放在引号内,其中的引号写两遍") \
    X(CELLS_TOO_MANY, "the row has more cells than the header; quote cells that hold the delimiter", \
      "本行单元格多于表头;含分隔符的单元格请加引号") \
    X(JSON_SYNTAX, "the line is not a JSON object, or a key stands in it twice; send one object a line", \
      "本行不是 JSON 对象,或键重复;请每行一个对象") \
    X(JSON_REAL, \
      "is a JSON real, which is not exact; send it as a string, or as a whole number of fen under contract_value_fen", \
      "是 JSON 浮点数,不精确;请用字符串,或以 contract_value_fen 传整数分") \
    X(JSON_TYPE, \
      "has a JSON value of the wrong kind; send text and codes as strings, figures as strings or whole numbers", \
      "的 JSON 类型不对;文本和代码请用字符串,数字请用字符串或整数") \
    X(JSON_UNIT, \
      "does not say its unit; name the key contract_value_yuan, contract_value_wan, contract_value_yi or " \
      "contract_value_fen", \
      "未注明单位;键名请用 contract_value_yuan、contract_value_wan、contract_value_yi 或 contract_value_fen") \
    X(TWICE, "stands in the object twice under different names; send it once", "以不同键名出现两次;请只传一次")

enum problem_kind {
    PROBLEM_NONE = 0,
    PROBLEM_REFUSAL, /* what the daemon would say */
#define X(constant, en, zh) PROBLEM_##constant,
    PROBLEM_TABLE(X)
#undef X
        PROBLEM_KINDS,
};

struct problem {
    enum problem_kind kind;
    enum refusal refusal; /* for PROBLEM_REFUSAL */
    enum field field;     /* FIELD_UNKNOWN: the row as a whole */
    struct slice cell;    /* what stands there; valid as long as the row */
};

enum { PROBLEM_TEXT_BYTES = 768 };

/* One sentence without a full stop: column, what stands there, what is wrong, what to do. column is the name in the
 * source, or NULL for the field's usual one. buffer has PROBLEM_TEXT_BYTES. Returns buffer. */
char *problem_text(const struct problem *problem, const char *column, enum language language, char *buffer);

#endif
