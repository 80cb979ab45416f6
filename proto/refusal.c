#include "refusal.h"

#include <stddef.h>

static const char *const names[REFUSAL_CODE_LIMIT] = {
#define X(constant, number, name, text) [number] = (name),
    REFUSAL_TABLE(X)
#undef X
};

static const char *const texts[REFUSAL_CODE_LIMIT] = {
#define X(constant, number, name, text) [number] = (text),
    REFUSAL_TABLE(X)
#undef X
};

static const char *const texts_zh[REFUSAL_CODE_LIMIT] = {
    [REFUSAL_CODE_EMPTY] = "项目代码为空，请填写项目审批时的代码",
    [REFUSAL_CODE_TOO_LONG] = "项目代码超过32字节，请填写登记的代码，而不是项目名称",
    [REFUSAL_CODE_NOT_PRINTABLE] = "项目代码含有空格、控制字符或非ASCII字符，请使用登记的字母、数字和短横线",
    [REFUSAL_REGION_UNKNOWN] = "行政区划代码不是已知省份的GB/T 2260六位代码，请核对",
    [REFUSAL_REGION_OUTSIDE_COMPETITION] = "该行政区划不在本竞赛范围内，请核对区划和竞赛",
    [REFUSAL_REGION_NOT_YOURS] = "本报送单位无权报送该行政区划，请更正区划或由相应单位报送",
    [REFUSAL_CATEGORY_UNKNOWN] = "竞赛没有这个类别，请查询竞赛的类别表",
    [REFUSAL_STATUS_UNKNOWN] = "竞赛没有这个状态，请查询竞赛的状态表",
    [REFUSAL_VALUE_NEGATIVE] = "合同造价为负数，请填写当前总额，而不是增减额",
    [REFUSAL_VALUE_TOO_LARGE] = "合同造价超过10万亿元，请核对单位",
    [REFUSAL_PARTICIPANTS_NEGATIVE] = "参与人数为负数，请填写当前人数，而不是增减数",
    [REFUSAL_PARTICIPANTS_TOO_LARGE] = "参与人数超过1亿，请核对该列",
    [REFUSAL_MIGRANTS_NEGATIVE] = "农民工人数为负数，请填写当前人数",
    [REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS] = "农民工人数多于参与人数，前者应包含在后者之中，请更正其一",
    [REFUSAL_DAY_BEFORE_START] = "生效日期早于竞赛开始日期，请更正",
    [REFUSAL_DAY_IN_FUTURE] = "生效日期晚于明天，请报送已发生的情况，而不是计划",
    [REFUSAL_DAY_BEFORE_LAST] = "生效日期早于该项目上一次报送的日期，同一项目的日期不能倒退",
    [REFUSAL_PROJECT_NOT_YOURS] = "该项目已由另一报送单位首先报送并归其所有，请与其商定由谁报送",
    [REFUSAL_TEXT_TOO_LONG] = "项目名称或承建单位超过255字节（UTF-8），请缩短",
    [REFUSAL_TEXT_NOT_VALID] = "项目名称或承建单位不是UTF-8文字或含有控制字符，请以单行UTF-8文字报送",
    [REFUSAL_DATE_OUT_OF_RANGE] = "开工或竣工日期超出1970至2149年，请更正",
    [REFUSAL_TOTALS_FULL] = "守护进程的项目表或汇总表已满，请通知运维人员，之后重新报送",
    [REFUSAL_COMPETITION_UNKNOWN] = "守护进程不知道这个竞赛，请查询竞赛列表或请运维人员添加竞赛文件",
    [REFUSAL_COLUMNS_UNEVEN] = "各列长度不一致，或代码长度之和与代码列不符，请更正打包批次的程序",
    [REFUSAL_TOO_MANY_ROWS] = "批次超过8192行，请拆分",
    [REFUSAL_BATCH_EMPTY] = "批次没有任何行，请至少报送一行",
    [REFUSAL_SEQUENCE_GAP] = "此前的批次缺失，请从期望的序号起重新发送",
    [REFUSAL_SEQUENCE_OLD] = "该序号此前已接收，不会重复计数，请从期望的序号继续",
    [REFUSAL_FRAMES_MALFORMED] = "一条消息由两帧组成：4字节的头和正文，请更正发送程序",
    [REFUSAL_PROTOCOL_UNSUPPORTED] = "消息头不是协议T1、标志0，请使用协议第1版的客户端",
    [REFUSAL_TYPE_UNKNOWN] = "此端点不接收这种消息，请核对端点和客户端版本",
    [REFUSAL_BODY_MALFORMED] = "正文不是消息头所说的protobuf消息，或解码后过大，请更正打包程序",
    [REFUSAL_BODY_TOO_LARGE] = "正文超过1 MiB，请拆分批次",
    [REFUSAL_HELLO_MISSING] = "此连接尚未发送Hello，或守护进程已重启，请先发送Hello",
    [REFUSAL_NODE_UNKNOWN] = "守护进程的配置中没有这个报送单位，请核对名称或请运维人员添加",
    [REFUSAL_SUPERSEDED] = "同一报送单位已在更新的连接上发送Hello，一个单位只能使用一个连接",
    [REFUSAL_ANSWER_TOO_LARGE] = "答复将超过4 MiB，请缩小查询范围",
    [REFUSAL_NOT_READY] = "守护进程暂时无法答复，请稍后再问",
    [REFUSAL_NOT_ALLOWED] = "此连接的密钥无权进行或查看这项操作；请换用其他密钥，或请守护进程的管理员授权",
    [REFUSAL_KEY_OF_ANOTHER] = "此连接的密钥不属于 Hello 所称的报送单位；请使用该单位的密钥，或改用自己的名称",
    [REFUSAL_DISK_FULL] = "守护进程的磁盘已满，没有数据丢失，有空间后自动继续",
    [REFUSAL_DRAINING] = "守护进程正在停止，请在其恢复后重新发送",
};

bool refusal_known(unsigned code) {
    return code < REFUSAL_CODE_LIMIT && names[code] != NULL;
}

const char *refusal_name(unsigned code) {
    return refusal_known(code) ? names[code] : "unknown-code";
}

const char *refusal_text(unsigned code) {
    return refusal_known(code) ? texts[code] : "a reason that this version does not know; upgrade to read it";
}

const char *refusal_text_zh(unsigned code) {
    return refusal_known(code) ? texts_zh[code] : "此版本不认识的原因，升级后可读";
}
