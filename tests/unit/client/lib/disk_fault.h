/* A disk that fails on demand: stands in front of the system calls with which LMDB writes. Linked into a test program, it
 * holds for every write of that program through pwrite, writev and fdatasync. */
#ifndef TALLY_TEST_DISK_FAULT_H
#define TALLY_TEST_DISK_FAULT_H

enum disk_fault {
    DISK_FAULT_NONE = 0,
    DISK_FAULT_FULL,  /* not a byte fits */
    DISK_FAULT_SHORT, /* a part fits, and no space is left */
    DISK_FAULT_SYNC,  /* writes are taken, making them durable fails; there is space */
};

void disk_fault_set(enum disk_fault fault);

#endif
